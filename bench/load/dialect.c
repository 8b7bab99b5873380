// Each server's own protocol: how a user registers, sends, and keeps the connection.
#include "load.h"

#include <stdio.h>
#include <string.h>

#define TEXT 1
#define BINARY 2

static const char *const names[] = {"classic", "json", "socket.io", "centrifugo"};

int dialect_named(const char *name) {
  for (int i = 0; i < 4; i++)
    if (!strcmp(names[i], name)) return i;
  return -1;
}

const char *path_of(uint32_t index) {
  static char path[64];
  switch (options.dialect) {
  case CLASSIC: snprintf(path, sizeof path, "/?name=u%05u", index); return path;
  case JSON: snprintf(path, sizeof path, "/ws?name=u%05u", index); return path;
  case SOCKETIO: return "/socket.io/?EIO=4&transport=websocket";
  case CENTRIFUGO: return "/connection/websocket";
  }
  return "/";
}

static void put_text(connection *c, const char *text) {
  put_frame(c, TEXT, (const uint8_t *)text, strlen(text));
}

static int has(const uint8_t *payload, uint32_t bytes, const char *text) {
  return memmem(payload, bytes, text, strlen(text)) != NULL;
}

void after_upgrade(connection *c) {
  c->state = REGISTERING;
  switch (options.dialect) {
  case CLASSIC: return set_ready(c);
  case CENTRIFUGO: return put_text(c, "{\"id\":1,\"connect\":{}}");
  case JSON:
  case SOCKETIO: return;  // the server speaks first
  }
}

static void control_socketio(connection *c, const uint8_t *payload, uint32_t bytes) {
  char reply[64];
  if (!bytes) return;
  if (payload[0] == '2') return put_text(c, "3");  // ping, pong
  if (payload[0] == '0') {
    snprintf(reply, sizeof reply, "40{\"name\":\"u%05u\"}", c->index);
    return put_text(c, reply);
  }
  if (bytes > 1 && !memcmp(payload, "40", 2)) set_ready(c);
}

// A channel of the user's own first, so that private messages can be sent to it, then the room.
static void control_centrifugo(connection *c, const uint8_t *payload, uint32_t bytes) {
  char request[96];
  if (bytes == 2) return put_frame(c, TEXT, payload, bytes);  // {}: ping, pong
  if (c->state == REGISTERING && has(payload, bytes, "\"id\":1,")) {
    snprintf(request, sizeof request, "{\"id\":2,\"subscribe\":{\"channel\":\"u%05u\"}}", c->index);
    put_text(c, request);
    put_text(c, "{\"id\":3,\"subscribe\":{\"channel\":\"chat\"}}");
  }
  if (has(payload, bytes, "\"id\":3,")) set_ready(c);
}

void control(connection *c, const uint8_t *payload, uint32_t bytes) {
  switch (options.dialect) {
  case CLASSIC: return;
  case JSON:
    if (has(payload, bytes, "\"type\":\"welcome\"")) set_ready(c);
    return;
  case SOCKETIO: return control_socketio(c, payload, bytes);
  case CENTRIFUGO: return control_centrifugo(c, payload, bytes);
  }
}

// [4][bytes of the name][name][bytes of the text][text]
static void send_classic(connection *c, const char *name, const char *text) {
  static uint8_t payload[600];
  uint32_t name_bytes = strlen(name), text_bytes = strlen(text), at = 0;
  payload[at++] = 4;
  payload[at++] = name_bytes;
  memcpy(payload + at, name, name_bytes);
  at += name_bytes;
  payload[at++] = text_bytes;
  memcpy(payload + at, text, text_bytes);
  put_frame(c, BINARY, payload, at + text_bytes);
}

void send_text(connection *c, const char *text, int to) {
  static char request[66000];
  static uint32_t centrifugo_id = 10;
  char name[16];
  int is_private = to >= 0;
  size_t room = sizeof request;
  snprintf(name, sizeof name, "u%05d", to);
  switch (options.dialect) {
  case CLASSIC: return send_classic(c, is_private ? name : "~", text);
  case JSON:
    if (is_private)
      snprintf(request, room, "{\"type\":\"publish\",\"conv\":\"@%s\",\"text\":\"%s\"}", name,
               text);
    else snprintf(request, room, "{\"type\":\"publish\",\"text\":\"%s\"}", text);
    break;
  case SOCKETIO:
    if (is_private) snprintf(request, room, "42[\"pm\",\"%s\",\"%s\"]", name, text);
    else snprintf(request, room, "42[\"msg\",\"%s\"]", text);
    break;
  case CENTRIFUGO:
    snprintf(request, room, "{\"id\":%u,\"publish\":{\"channel\":\"%s\",\"data\":\"%s\"}}",
             ++centrifugo_id, is_private ? name : "chat", text);
  }
  put_text(c, request);
}
