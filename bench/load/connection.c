// Sockets, WebSocket frames (RFC 6455), and the loop that reads them.
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (256 * 1024)
#define EVENTS 4096
#define OPENING_AT_ONCE 64
#define STUCK_AFTER_US 15000000

connection *connections;
int ready, dead, opening;
static int epoll_fd, opened;
static uint8_t *buffer;

void connections_init(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if ((rlim_t)options.users + 16 > files.rlim_cur)
    die("%d connections need more than %lu open files (ulimit -n)", options.users,
        (unsigned long)files.rlim_cur);
  connections = calloc(options.users, sizeof *connections);
  uint32_t *seen = calloc((size_t)options.users * options.senders, sizeof *seen);
  for (int i = 0; i < options.users; i++) connections[i].seen = seen + (size_t)i * options.senders;
  buffer = malloc(READ_BYTES);
  epoll_fd = epoll_create1(0);
}

void kill_connection(connection *c) {
  if (c->state == DEAD) return;
  if (c->state == READY) ready--;
  else opening--;
  c->state = DEAD;
  dead++;
  close(c->fd);
}

void set_ready(connection *c) {
  if (c->state == READY) return;
  c->state = READY;
  ready++;
  opening--;
}

static void listen_for(connection *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void put(connection *c, const void *bytes, uint32_t count) {
  if (c->state == DEAD) return;
  uint32_t done = 0;
  if (!c->out_bytes) {
    ssize_t sent = send(c->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return kill_connection(c);
    if (sent > 0) done = sent;
    if (done == count) return;
  }
  c->out = realloc(c->out, c->out_bytes + count - done);
  memcpy(c->out + c->out_bytes, (const uint8_t *)bytes + done, count - done);
  c->out_bytes += count - done;
  listen_for(c, EPOLLIN | EPOLLOUT);
}

static void put_rest(connection *c) {
  if (!c->out_bytes) return;
  ssize_t sent =
      send(c->fd, c->out + c->out_sent, c->out_bytes - c->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN) return kill_connection(c);
  if (sent > 0) c->out_sent += sent;
  if (c->out_sent < c->out_bytes) return;
  c->out_sent = c->out_bytes = 0;
  listen_for(c, EPOLLIN);
}

void put_frame(connection *c, int opcode, const uint8_t *payload, uint32_t bytes) {
  static uint8_t frame[70000];
  static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  uint32_t head = 2;
  frame[0] = 0x80 | opcode;
  if (bytes < 126) {
    frame[1] = 0x80 | bytes;
  } else {
    frame[1] = 0x80 | 126;
    frame[2] = bytes >> 8;
    frame[3] = bytes;
    head = 4;
  }
  memcpy(frame + head, mask, 4);
  head += 4;
  for (uint32_t i = 0; i < bytes; i++) frame[head + i] = payload[i] ^ mask[i & 3];
  put(c, frame, head + bytes);
}

static void send_upgrade(connection *c) {
  char request[512];
  int length = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n\r\n",
                        path_of(c->index), options.target_name[c->index % options.targets]);
  c->state = UPGRADING;
  put(c, request, length);
}

static void on_frame(connection *c, int opcode, const uint8_t *payload, uint32_t bytes) {
  switch (opcode) {
  case 8: return kill_connection(c);
  case 9: return put_frame(c, 10, payload, bytes);
  case 10: return;
  default:
    if (c->state != READY || !tally(c, payload, bytes)) control(c, payload, bytes);
  }
}

// Returns how many bytes were whole frames.
static uint32_t on_bytes(connection *c, const uint8_t *bytes, uint32_t count) {
  uint32_t used = 0;
  if (c->state == UPGRADING) {
    const uint8_t *end = memmem(bytes, count, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(bytes, "HTTP/1.1 101", 12)) die("no upgrade: %.60s", (const char *)bytes);
    used = end + 4 - bytes;
    after_upgrade(c);
  }
  while (c->state != DEAD && count - used >= 2) {
    const uint8_t *frame = bytes + used;
    uint64_t length = frame[1] & 127;
    uint32_t head = length == 127 ? 10 : length == 126 ? 4 : 2;
    if (count - used < head) break;
    if (head > 2) {
      length = 0;
      for (uint32_t i = 2; i < head; i++) length = length << 8 | frame[i];
    }
    if (head + length > READ_BYTES) die("a frame of %lu bytes", (unsigned long)length);
    if (count - used < head + length) break;
    on_frame(c, frame[0] & 15, frame + head, length);
    used += head + length;
  }
  return used;
}

static void on_readable(connection *c) {
  for (;;) {
    uint32_t have = c->carried_bytes;
    if (have) memcpy(buffer, c->carry, have);
    ssize_t got = recv(c->fd, buffer + have, READ_BYTES - have, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return kill_connection(c);
    uint32_t count = have + got, used = on_bytes(c, buffer, count);
    if (c->state == DEAD) return;
    c->carried_bytes = count - used;
    if (used < count) {
      if (c->carried_bytes > c->carry_capacity)
        c->carry = realloc(c->carry, c->carry_capacity = c->carried_bytes + 512);
      memcpy(c->carry, buffer + used, c->carried_bytes);
    }
    if (count < READ_BYTES) return;
  }
}

static void on_event(connection *c, uint32_t events) {
  if (c->state == DEAD) return;
  if (c->state == CONNECTING) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) return kill_connection(c);
    listen_for(c, EPOLLIN);
    return send_upgrade(c);
  }
  if (events & EPOLLOUT) put_rest(c);
  if (c->state != DEAD && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    now_reading_us = now_us();
    on_readable(c);
  }
}

void pump(uint64_t until_us) {
  static struct epoll_event events[EVENTS];
  do {
    uint64_t now = now_us(), left = now < until_us ? until_us - now : 0;
    struct timespec wait = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
    int count = syscall(SYS_epoll_pwait2, epoll_fd, events, EVENTS, &wait, NULL, 0);
    for (int i = 0; i < count; i++) on_event(events[i].data.ptr, events[i].events);
  } while (now_us() < until_us);
}

static void open_one(void) {
  connection *c = &connections[opened];
  c->index = opened++;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) die("socket: %s", strerror(errno));
  int yes = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  c->state = CONNECTING;
  opening++;
  struct sockaddr_in *target = &options.target[c->index % options.targets];
  if (connect(c->fd, (struct sockaddr *)target, sizeof *target) < 0 && errno != EINPROGRESS)
    return kill_connection(c);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event);
}

void open_all(void) {
  uint64_t progress_us = now_us();
  for (int before = 0; ready < options.users;) {
    while (opened < options.users && opening < OPENING_AT_ONCE) open_one();
    pump(now_us() + 1000);
    if (dead) die("%d of %d connections did not open", dead, options.users);
    if (ready != before) progress_us = now_us();
    before = ready;
    if (now_us() - progress_us > STUCK_AFTER_US) die("%d of %d are ready", ready, options.users);
  }
}
