/** The Spanish texts. */
import type { Texts } from "./texts.js";

export const spanish: Texts = {
  locale: "es",
  tagline: "Un círculo de gente que se reúne a conversar.",
  name: "Tu nombre",
  nameHint: "Como te verán los demás",
  server: "Servidor",
  join: "Entrar a la conversación",
  joining: "Entrando…",
  unreached: "No se puede llegar al chat. Intentando de nuevo…",
  leave: "Salir",
  goOn: "Entrar de nuevo",
  everybody: "Todos",
  everybodyHint: "El chat general",
  conversations: "Conversaciones",
  people: (count) =>
    count === 1 ? "1 persona aquí" : `${count.toLocaleString("es")} personas aquí`,
  onlyWatched: "Son demasiadas para una lista: busca un nombre",
  search: "Buscar personas y conversaciones",
  searchShort: "Buscar",
  enterOpens: (name) => `Intro abre ${name}`,
  nobodyFound: "Aquí no hay nadie con un nombre así.",
  nobodyElse: "Todavía no hay nadie más.",
  write: "Escribir un mensaje",
  writeTo: (name) => `Escribir a ${name}`,
  about: (name) => `Sobre ${name}`,
  askAbout: (name) => `¿Quién es ${name}?`,
  youSaid: "Tú",
  yourStatus: "Tu estado",
  status: {
    active: "Activo",
    busy: "Ocupado",
    inactive: "Inactivo",
    disconnected: "Desconectado",
    unknown: "Desconocido",
    asking: "Preguntando…",
  },
  statusHint: {
    active: "Está aquí y lee lo que se dice.",
    busy: "Está aquí y no quiere interrupciones.",
    inactive: "Hace un rato que no hace nada.",
    disconnected: "No está. Los mensajes esperan hasta su próxima visita.",
    unknown: "Nadie con este nombre ha estado nunca aquí.",
    asking: "",
  },
  unread: (count) => `${count} sin leer`,
  newLine: "Nuevo",
  since: "desde",
  toEnd: (count) =>
    count === 0 ? "Ir al final" : count === 1 ? "1 mensaje nuevo" : `${count} mensajes nuevos`,
  held: (count) =>
    count === 0
      ? "Estás ocupado. Los mensajes esperarán en silencio."
      : count === 1
        ? "Estás ocupado. 1 mensaje espera."
        : `Estás ocupado. ${count} mensajes esperan.`,
  beActive: "Volver",
  messageTo: (name) => (name === undefined ? "Mensaje para todos" : `Mensaje para ${name}`),
  draft: "Borrador",
  send: "Enviar",
  sendHint: "Enter envía, Mayús + Enter empieza otra línea",
  tooLong: (over) => `Sobran ${over} caracteres`,
  pending: "En camino",
  sent: "Enviado",
  failed: "No enviado",
  retry: "Reintentar",
  discard: "Descartar",
  typing: (names) =>
    names.length === 1
      ? `${names[0]} está escribiendo…`
      : names.length === 2
        ? `${names.join(" y ")} están escribiendo…`
        : "Varias personas están escribiendo…",
  loadOlder: "Cargar mensajes anteriores",
  loading: "Cargando…",
  gone: "Los mensajes anteriores ya no se guardan aquí",
  beginning: "Aquí empieza todo.",
  emptyAll: "Nadie ha dicho nada todavía. ¡Saluda!",
  emptyPrivate: (name) => `Solo tú y ${name} pueden leer lo que se diga aquí.`,
  today: "Hoy",
  yesterday: "Ayer",
  reconnecting: "Se perdió la conexión. Intentando de nuevo…",
  lost: (seconds) => `Se perdió la conexión. Próximo intento en ${seconds} s.`,
  again: "Ahora",
  back: "Volver a la lista",
  notify: "Avisarme cuando no esté mirando",
  notifying: "Los avisos están activados",
  notifyBlocked: "El navegador bloquea los avisos de esta página",
  close: "Cerrar",
  dismiss: "Descartar aviso",
  keys: "Alt ↑ ↓ cambia de conversación · Ctrl K busca · Esc vuelve a escribir",
  problem: {
    not_found: "Nadie con este nombre ha estado nunca aquí.",
    name_taken: "Alguien ya tiene este nombre. Elige otro.",
    bad_name:
      "Aquí esto no puede ser un nombre. Los nombres son cortos, no empiezan con # ni @ y no ocultan nada.",
    too_large: "Es demasiado largo.",
    rate_limited: "Fue demasiado a la vez. Espera un momento.",
    unavailable: "El chat no pudo hacerlo a tiempo. Inténtalo de nuevo.",
    closed: "La conexión se cerró.",
    outbox_full: "Ya hay demasiado esperando a ser enviado.",
    unconfirmed: "No llegó respuesta; puede que haya llegado.",
    replaced: "Tu nombre se usa ahora en otro lugar.",
    unknown: "Algo salió mal en el chat.",
  },
};
