// The load generator of the bench: one thread, epoll, WebSocket clients that cost little.
//
//   cc -O2 -o load *.c
//   load --dialect classic --targets 127.0.0.1:9000 --pids 123 --users 500 --rate 40 --seconds 8
//
// main.c reads options and says what was measured, as JSON; run.c sends at an even rate;
// connection.c has sockets and frames; dialect.c has each server's own protocol; tally.c counts
// what arrives; sample.c reads /proc.
//
// Each text begins with a tag, '@' and hex: sender (4), sequence (8), when it was due in
// microseconds (10), to whom (4, ffff for all). So each message is accounted for: lost, repeated,
// overtaken, and how late after it was due.
#ifndef LOAD_H
#define LOAD_H

#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdint.h>

#define TAG 27
#define MAX_TARGETS 16
#define MAX_PIDS 16

enum dialect { CLASSIC, JSON, SOCKETIO, CENTRIFUGO };
enum state { UNOPENED, CONNECTING, UPGRADING, REGISTERING, READY, DEAD };
enum mode { TO_ALL, PRIVATE, IDLE };

typedef struct {
  int fd;
  enum state state;
  uint32_t index, carried_bytes, carry_capacity, out_bytes, out_sent;
  uint8_t *carry;  // a frame that has not arrived whole
  uint8_t *out;    // what the socket did not take yet
  uint32_t *seen;  // by sender: the last sequence
} connection;

typedef struct {
  enum dialect dialect;
  enum mode mode;
  int users, senders, text_bytes, targets, pids;
  struct sockaddr_in target[MAX_TARGETS];
  char target_name[MAX_TARGETS][64];
  int pid[MAX_PIDS];
} load_options;

extern load_options options;
extern connection *connections;
extern int ready, dead, opening;

// main.c
uint64_t now_us(void);
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

// connection.c
void connections_init(void);
void open_all(void);
void put_frame(connection *c, int opcode, const uint8_t *payload, uint32_t bytes);
void kill_connection(connection *c);
void set_ready(connection *c);
void pump(uint64_t until_us);  // handles events until then; once, if that is over

// dialect.c
int dialect_named(const char *name);
const char *path_of(uint32_t index);
void after_upgrade(connection *c);
void control(connection *c, const uint8_t *payload, uint32_t bytes);
void send_text(connection *c, const char *text, int to);  // to: a user's index, -1 for all

// tally.c
typedef struct {
  uint64_t expected, delivered, duplicates;
} counts;
extern counts total, in_window;
extern uint64_t now_reading_us;  // when what is read now arrived
void tally_init(void);
void begin_window(uint64_t from_us, uint64_t to_us);
void expect(uint64_t due_us, int receivers);
int tally(connection *c, const uint8_t *text, uint32_t bytes);  // how many tags were in it
double latency_ms(double quantile);

// sample.c
typedef struct {
  double user_us, system_us;
  long resident_kb;
} sample;
void sample_all(sample into[MAX_PIDS]);
double cpu_between(const sample *before, const sample *after);
long resident_kb(void);
double own_cpu_us(void);

// run.c
typedef struct {
  double rate, per_second, cpu_us, generator_us, p50, p90, p99, max;
  double cpu_us_of[MAX_PIDS];
  uint64_t sent, late, delivered, expected;
} result;
result run_at(double rate, double lead_seconds, double seconds);
void warm_up(double rate, double deliveries);

#endif
