/** The Spanish texts. */
import type { Texts } from "./texts.js";

export const spanish: Omit<Texts, "locale"> = {
  language: "es",
  everybody: "Todos",
  conversations: "Conversaciones",
  people: "Gente",
  more: (count) => `… ${count} más`,
  onlyWatched: "demasiada para una lista",
  nobodyElse: "nadie más todavía",
  status: {
    active: "activo",
    busy: "ocupado",
    inactive: "inactivo",
    disconnected: "desconectado",
    unknown: "desconocido",
    asking: "preguntando …",
  },
  statusHint: {
    active: "Está aquí y lee lo que se dice.",
    busy: "Está aquí y no quiere interrupciones.",
    inactive: "Hace un rato que no hace nada.",
    disconnected: "No está. Los mensajes esperan hasta su próxima visita.",
    unknown: "Nadie con este nombre ha estado nunca aquí.",
    asking: "",
  },
  newLine: "Nuevo",
  below: (count) =>
    count === 0 ? "AvPág: hasta el final" : `${count} ${count === 1 ? "nuevo" : "nuevos"} · AvPág`,
  held: (count) =>
    count === 0
      ? "Estás ocupado: los mensajes esperan en silencio. /estado activo los muestra."
      : count === 1
        ? "Estás ocupado: 1 mensaje espera. /estado activo lo muestra."
        : `Estás ocupado: ${count} mensajes esperan. /estado activo los muestra.`,
  unread: (count) => `${count} sin leer`,
  failed: "No enviado",
  failedHint: "/reintentar · /descartar",
  typing: (names) =>
    names.length === 1
      ? `${names[0]!} está escribiendo …`
      : names.length === 2
        ? `${names.join(" y ")} están escribiendo …`
        : "varias personas están escribiendo …",
  loadOlder: "mensajes anteriores: RePág",
  loading: "cargando …",
  gone: "los mensajes anteriores ya no se guardan",
  beginning: "aquí empieza todo",
  emptyAll: "Nadie ha dicho nada todavía. ¡Saluda!",
  emptyPrivate: (name) => `Solo tú y ${name} pueden leer lo que se diga aquí.`,
  today: "Hoy",
  yesterday: "Ayer",
  connecting: "Conectando …",
  reconnecting: "Se perdió la conexión. Intentando de nuevo …",
  unreached: (seconds) => `El chat no responde. Próximo intento en ${seconds} s (Ctrl-R: ya).`,
  lost: (seconds) => `Se perdió la conexión. Próximo intento en ${seconds} s (Ctrl-R: ya).`,
  away: "Sin conexión. /conectar entra de nuevo, /salir termina.",
  write: (name) => `Mensaje para ${name ?? "todos"}`,
  hints: ["/ayuda", "Tab completa", "Alt-1…9 cambia", "RePág sube", "Ctrl-C sale"],
  searching: (text, at, of) => `«${text}»: ${at} de ${of} · ↑ ↓ · Esc`,
  notFound: (text) => `«${text}» no está en lo que hay cargado aquí. RePág trae lo anterior.`,
  usersTitle: (count) => (count === 1 ? "1 persona aquí" : `${count} personas aquí`),
  helpTitle: "Órdenes y teclas",
  tooLong: (atMost) =>
    `Es demasiado largo: como mucho ${atMost} caracteres. Ctrl-U dos veces lo borra.`,
  moreHint: "AvPág: más",
  escHint: "Esc cierra",
  usage: {
    users: ["/usuarios, /nombres", "quién está, y cómo"],
    info: ["/info [nombre]", "cómo está alguien"],
    status: ["/estado activo|ocupado|inactivo", "cómo estás; ocupado retiene mensajes"],
    all: ["/todos texto", "para todos"],
    msg: ["/privado nombre texto", "para una persona, aparte; con espacios, entre comillas"],
    me: ["/me texto", "lo que haces: /me saluda"],
    history: ["/historial [nombre]", "lo que se dijo antes"],
    search: ["/buscar texto", "en lo cargado aquí; ↑ ↓ siguen, Esc termina"],
    to: ["/a [nombre]", "abre una conversación, o la de todos"],
    retry: ["/reintentar", "envía de nuevo lo que no se envió"],
    discard: ["/descartar", "renuncia a ello"],
    connect: ["/conectar [ws://…] [nombre]", "entra de nuevo, o en otro sitio"],
    disconnect: ["/desconectar", "deja el chat, no esta pantalla"],
    help: ["/ayuda", "esto"],
    quit: ["/salir", "adiós"],
  },
  keys: [
    ["Alt-1…9, Ctrl-N, Ctrl-P", "cambian de conversación"],
    ["RePág, AvPág, Mayús-↑↓", "desplazan; arriba llega lo anterior"],
    ["↑ ↓", "líneas enviadas antes"],
    ["Ctrl-A E K U W Y, Alt-B F", "editan; Alt-Intro empieza otra línea"],
    ["Ctrl-R, Ctrl-L, Ctrl-Z", "conectar ya, redibujar, suspender"],
  ],
  mistake: (form) =>
    `Se escribe así: ${form}${form.includes("nombre") ? " (un nombre con espacios, entre comillas)" : ""}`,
  noCommand: (written) =>
    `No existe ${written}. /ayuda muestra las órdenes; // dice un texto con /.`,
  yourName: (name) => `Tu nombre [${name}]: `,
  tooSmall: "agranda esta ventana",
  onlyOnScreen: "Eso solo lo hace la pantalla completa.",
  problem: {
    bad_frame: "El chat no entendió esto.",
    unknown_type: "Este chat no sabe hacer eso.",
    unauthenticated: "El chat todavía no te conoce.",
    forbidden: "Eso no está permitido.",
    not_found: "Nadie con este nombre ha estado nunca aquí.",
    name_taken: "Alguien ya tiene este nombre. Elige otro.",
    bad_name:
      "Aquí esto no puede ser un nombre. Los nombres son cortos, no empiezan con # ni @ y no ocultan nada.",
    bad_status: "Ese estado no existe.",
    empty: "No contiene nada.",
    too_large: "Es demasiado largo.",
    rate_limited: "Fue demasiado a la vez. Espera un momento.",
    unavailable: "El chat no pudo hacerlo a tiempo. Inténtalo de nuevo.",
    internal: "Algo salió mal en el chat.",
    closed: "La conexión se cerró.",
    unreachable: "No se puede llegar al chat.",
    lost: "Se perdió la conexión.",
    overflow: "Ya hay demasiado por leer.",
    outbox_full: "Ya hay demasiado esperando a ser enviado.",
    unconfirmed: "No llegó respuesta; puede que haya llegado.",
    replaced: "Tu nombre se usa ahora en otro lugar.",
    unknown: "Algo salió mal.",
  },
};
