// The floor of a broadcast: a chat server without a promise, without Redis, one node, one thread.
// It frames each message once. What arrived within the window leaves in one write to each socket
// (--window 0: one write for each message and socket).
//
//   cc -O2 -o floor floor.c
//   floor --port 9100 --window 10
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES 65536
#define EVENTS 512
#define LONGEST_NAME 63

typedef struct {
  int fd, is_open, place;  // place: in the list of open ones
  uint8_t name_bytes;
  char name[LONGEST_NAME + 1];
  uint8_t *in, *out;  // what is not whole, what the socket did not take
  uint32_t in_bytes, out_bytes, out_sent;
} connection;

static int epoll_fd, open_count, open_capacity;
static double window_ms = 10;
static connection **open_ones;
static uint8_t *batch;
static uint32_t batch_bytes, batch_capacity;
static uint64_t batch_due_us;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000u + t.tv_nsec / 1000;
}

static void drop(connection *c) {
  close(c->fd);
  if (c->is_open) {
    open_ones[c->place] = open_ones[--open_count];
    open_ones[c->place]->place = c->place;
  }
  free(c->in);
  free(c->out);
  free(c);
}

static void listen_for(connection *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void put(connection *c, const uint8_t *bytes, uint32_t count) {
  uint32_t done = 0;
  if (!c->out_bytes) {
    ssize_t sent = send(c->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == (ssize_t)count) return;
    if (sent > 0) done = sent;
    listen_for(c, EPOLLIN | EPOLLOUT);
  }
  c->out = realloc(c->out, c->out_bytes + count - done);
  memcpy(c->out + c->out_bytes, bytes + done, count - done);
  c->out_bytes += count - done;
}

static void put_rest(connection *c) {
  ssize_t sent =
      send(c->fd, c->out + c->out_sent, c->out_bytes - c->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) c->out_sent += sent;
  if (c->out_sent < c->out_bytes) return;
  c->out_bytes = c->out_sent = 0;
  listen_for(c, EPOLLIN);
}

static void flush_batch(void) {
  for (int i = 0; i < open_count; i++) put(open_ones[i], batch, batch_bytes);
  batch_bytes = 0;
  batch_due_us = 0;
}

static void put_all(const uint8_t *bytes, uint32_t count) {
  if (batch_bytes + count > batch_capacity)
    batch = realloc(batch, batch_capacity = (batch_bytes + count) * 2);
  memcpy(batch + batch_bytes, bytes, count);
  batch_bytes += count;
  if (window_ms <= 0) flush_batch();
  else if (!batch_due_us) batch_due_us = now_us() + window_ms * 1000;
}

// [4][bytes of the name][name][bytes of the text][text] becomes [55] with the sender's name.
// Everything goes to all: the floor has no private messages.
static void on_message(connection *c, const uint8_t *payload, uint32_t count) {
  uint8_t frame[4 + 3 + 2 * 256];
  if (count < 3 || payload[0] != 4 || 3u + payload[1] > count) return;
  const uint8_t *text = payload + 3 + payload[1];
  uint32_t text_bytes = text[-1], bytes = 3 + c->name_bytes + text_bytes, at = 0;
  if (text + text_bytes > payload + count) return;
  frame[at++] = 0x82;
  frame[at++] = bytes < 126 ? bytes : 126;
  if (bytes >= 126) {
    frame[at++] = bytes >> 8;
    frame[at++] = bytes;
  }
  frame[at++] = 55;
  frame[at++] = c->name_bytes;
  memcpy(frame + at, c->name, c->name_bytes);
  at += c->name_bytes;
  frame[at++] = text_bytes;
  memcpy(frame + at, text, text_bytes);
  put_all(frame, at + text_bytes);
}

// The load generator does not check Sec-WebSocket-Accept, so none is made.
static void open_session(connection *c, const char *request) {
  static const char answer[] =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  const char *name = strstr(request, "?name=");
  for (name = name ? name + 6 : ""; *name > ' ' && *name != '&' && c->name_bytes < LONGEST_NAME;)
    c->name[c->name_bytes++] = *name++;
  if (open_count == open_capacity)
    open_ones = realloc(open_ones, (open_capacity = open_capacity * 2 + 64) * sizeof *open_ones);
  c->is_open = 1;
  c->place = open_count;
  open_ones[open_count++] = c;
  put(c, (const uint8_t *)answer, sizeof answer - 1);
}

// Returns how many bytes it is done with; -1 if the connection ends.
static int64_t on_bytes(connection *c, uint8_t *bytes, uint32_t count) {
  uint32_t used = 0;
  if (!c->is_open) {
    uint8_t *end = memmem(bytes, count, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    open_session(c, (const char *)bytes);
    used = end + 4 - bytes;
  }
  while (count - used >= 8) {
    uint8_t *frame = bytes + used;
    uint32_t length = frame[1] & 127, head = length == 126 ? 4 : 2;
    if (length == 127 || (frame[0] & 15) == 8) return -1;
    if (head == 4) length = frame[2] << 8 | frame[3];
    if (count - used < head + 4 + length) break;
    uint8_t *mask = frame + head, *payload = mask + 4;
    for (uint32_t i = 0; i < length; i++) payload[i] ^= mask[i & 3];
    if ((frame[0] & 15) < 3) on_message(c, payload, length);
    used += head + 4 + length;
  }
  return used;
}

static void on_readable(connection *c) {
  static uint8_t buffer[2 * READ_BYTES];
  uint32_t have = c->in_bytes;
  if (have) memcpy(buffer, c->in, have);
  ssize_t got = recv(c->fd, buffer + have, READ_BYTES, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  int64_t used = got <= 0 ? -1 : on_bytes(c, buffer, have + got);
  if (used < 0 || have + got - used > READ_BYTES) return drop(c);
  c->in_bytes = have + got - used;
  c->in = realloc(c->in, c->in_bytes + 1);
  memcpy(c->in, buffer + used, c->in_bytes);
}

static void accept_all(int listener) {
  int yes = 1;
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
  }
}

static int listen_on(int port) {
  int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
    perror("listen");
    exit(1);
  }
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
  return fd;
}

static int wait_for(struct epoll_event *events) {
  if (!batch_due_us) return epoll_wait(epoll_fd, events, EVENTS, -1);
  uint64_t now = now_us(), left = batch_due_us > now ? batch_due_us - now : 0;
  struct timespec wait = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
  return syscall(SYS_epoll_pwait2, epoll_fd, events, EVENTS, &wait, NULL, 0);
}

int main(int count, char **arguments) {
  static struct epoll_event events[EVENTS];
  int port = 9100;
  for (int i = 1; i + 1 < count; i += 2) {
    if (!strcmp(arguments[i], "--port")) port = atoi(arguments[i + 1]);
    if (!strcmp(arguments[i], "--window")) window_ms = atof(arguments[i + 1]);
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  epoll_fd = epoll_create1(0);
  int listener = listen_on(port);
  for (;;) {
    int ready = wait_for(events);
    for (int i = 0; i < ready; i++) {
      connection *c = events[i].data.ptr;
      if (!c) {
        accept_all(listener);
        continue;
      }
      if (events[i].events & EPOLLOUT && c->out_bytes) put_rest(c);
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(c);
    }
    if (batch_due_us && now_us() >= batch_due_us) flush_batch();
  }
}
