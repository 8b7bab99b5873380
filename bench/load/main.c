// Options, the order of a run, and what it says: one line of JSON.
#include "load.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SETTLE_US 1000000  // after the last connection: what opening leaves behind
#define BETWEEN_STEPS_US 300000
#define KEEPS_UP 0.97  // of what is expected arrives in time
#define ATTEMPTS 3
#define NEAR 1.1

load_options options = {.users = 100, .senders = 10, .text_bytes = 64};
static double rate = 20, seconds = 8, lead = 1, warm_deliveries, warm_rate;
static double ramp_from, ramp_factor = 1.3, p99_limit_ms = 250;

uint64_t now_us(void) {
  static time_t base;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  if (!base) base = t.tv_sec;
  return (uint64_t)(t.tv_sec - base) * 1000000u + t.tv_nsec / 1000;
}

void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

static void read_targets(char *list) {
  for (char *t = strtok(list, ","); t && options.targets < MAX_TARGETS; t = strtok(NULL, ",")) {
    int i = options.targets++;
    snprintf(options.target_name[i], sizeof options.target_name[i], "%s", t);
    char *colon = strrchr(t, ':');
    if (!colon) die("a target is address:port");
    *colon = 0;
    options.target[i].sin_family = AF_INET;
    options.target[i].sin_port = htons(atoi(colon + 1));
    if (inet_pton(AF_INET, t, &options.target[i].sin_addr) != 1) die("no address: %s", t);
  }
}

static void read_pids(char *list) {
  for (char *p = strtok(list, ","); p && options.pids < MAX_PIDS; p = strtok(NULL, ","))
    options.pid[options.pids++] = atoi(p);
}

static void read_option(const char *name, char *value) {
  if (!strcmp(name, "--dialect")) {
    int dialect = dialect_named(value);
    if (dialect < 0) die("no such dialect: %s", value);
    options.dialect = dialect;
  } else if (!strcmp(name, "--mode")) {
    options.mode = !strcmp(value, "private") ? PRIVATE : !strcmp(value, "idle") ? IDLE : TO_ALL;
  } else if (!strcmp(name, "--targets")) read_targets(value);
  else if (!strcmp(name, "--pids")) read_pids(value);
  else if (!strcmp(name, "--users")) options.users = atoi(value);
  else if (!strcmp(name, "--senders")) options.senders = atoi(value);
  else if (!strcmp(name, "--text-bytes")) options.text_bytes = atoi(value);
  else if (!strcmp(name, "--rate")) rate = atof(value);
  else if (!strcmp(name, "--seconds")) seconds = atof(value);
  else if (!strcmp(name, "--lead")) lead = atof(value);
  else if (!strcmp(name, "--warm-deliveries")) warm_deliveries = atof(value);
  else if (!strcmp(name, "--warm-rate")) warm_rate = atof(value);
  else if (!strcmp(name, "--ramp-from")) ramp_from = atof(value);
  else if (!strcmp(name, "--ramp-factor")) ramp_factor = atof(value);
  else if (!strcmp(name, "--p99-limit")) p99_limit_ms = atof(value);
  else die("no such option: %s", name);
}

static void say(const result *r) {
  // of a ramp, only the step that counts: at the step after it servers may drop whom they cannot
  // serve
  int is_ramp = ramp_from > 0;
  uint64_t expected = is_ramp ? r->expected : total.expected;
  uint64_t delivered = is_ramp ? r->delivered : total.delivered;
  printf(
      "{\"rate\":%.0f,\"sent\":%lu,\"late\":%lu,\"delivered\":%lu,\"lost\":%ld,"
      "\"repeated\":%lu,\"dead\":%d,\"perSecond\":%.0f,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,"
      "\"max\":%.3f,\"cpuUs\":%.3f,\"generatorUs\":%.3f,\"cpuUsOf\":[",
      r->rate, (unsigned long)r->sent, (unsigned long)r->late, (unsigned long)r->delivered,
      (long)(expected - delivered), (unsigned long)total.duplicates, is_ramp ? 0 : dead,
      r->per_second, r->p50, r->p90, r->p99, r->max, r->cpu_us, r->generator_us);
  for (int i = 0; i < options.pids; i++) printf("%s%.3f", i ? "," : "", r->cpu_us_of[i]);
  printf("]}\n");
}

// A step up to three times, so that other work on the machine does not end the ramp.
static int keeps_up(double step, result *r) {
  for (int attempt = 0; attempt < ATTEMPTS && !dead; attempt++) {
    *r = run_at(step, attempt ? 1 : .5, seconds);
    int is_in_time = r->delivered == r->expected && r->p99 <= p99_limit_ms &&
                     r->per_second > KEEPS_UP * r->expected / seconds;
    fprintf(stderr, "%.0f/s: %.0f deliveries/s, p99 %.1f ms, %.2f us each%s\n", step,
            r->per_second, r->p99, r->cpu_us, is_in_time ? "" : ", too late");
    pump(now_us() + BETWEEN_STEPS_US);
    if (is_in_time) return 1;
  }
  return 0;
}

// Faster and faster, until what was due arrives too late; then between that rate and the last good
// one, until they are near. Nothing but zeros if no step kept up.
static result ramp(void) {
  result best = {0};
  double fails_at = 0;
  for (double step = ramp_from; !dead;) {
    result r;
    if (keeps_up(step, &r)) best = r;
    else fails_at = step;
    if (!best.rate || (fails_at && fails_at < NEAR * best.rate)) break;
    step = fails_at ? (best.rate + fails_at) / 2 : best.rate * ramp_factor;
  }
  return best;
}

static void open_and_sit(void) {
  sample before[MAX_PIDS], after[MAX_PIDS];
  long kb_before = resident_kb();
  uint64_t begin = now_us();
  double cpu_us = 0;
  sample_all(before);
  open_all();
  double open_seconds = (now_us() - begin) / 1e6;
  pump(now_us() + SETTLE_US);
  sample_all(after);
  for (int i = 0; i < options.pids; i++) cpu_us += cpu_between(&before[i], &after[i]);
  pump(now_us() + seconds * 1e6);
  printf(
      "{\"openUs\":%.1f,\"openSeconds\":%.2f,\"kbPerConnection\":%.2f,\"lost\":0,\"repeated\":0,"
      "\"dead\":%d}\n",
      cpu_us / options.users, open_seconds, (double)(resident_kb() - kb_before) / options.users,
      dead);
}

int main(int count, char **arguments) {
  for (int i = 1; i + 1 < count; i += 2) read_option(arguments[i], arguments[i + 1]);
  if (!options.targets) die("--targets address:port[,address:port] is missing");
  if (options.text_bytes < TAG || options.text_bytes > 255) die("texts have 27 to 255 bytes");
  if (options.senders > options.users) options.senders = options.users;
  if (options.mode == PRIVATE) options.senders = options.users;
  if (options.mode == PRIVATE && options.users < 2) die("private messages need two users");
  connections_init();
  tally_init();
  if (options.mode == IDLE) {
    open_and_sit();
    return 0;
  }
  open_all();
  pump(now_us() + SETTLE_US);
  if (warm_deliveries > 0) warm_up(warm_rate > 0 ? warm_rate : rate, warm_deliveries);
  result r = ramp_from > 0 ? ramp() : run_at(rate, lead, seconds);
  // no figure is one per delivery then
  if (r.per_second == 0)
    die(ramp_from > 0 ? "no step of the ramp kept up" : "nothing was delivered");
  say(&r);
  return 0;
}
