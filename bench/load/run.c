// Sends at an even rate for some time, by each sender in turn, whatever the servers do meanwhile.
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATE_US 5000        // a message that left so much after it was due
#define READ_AFTER_LATE 16  // reads now and then though messages are due
#define DRAIN_PATIENCE_US 2000000
#define DRAIN_STEP_US 20000
#define SETTLE_US 500000

static uint32_t *sequence_of;
static int next_sender;

static uint32_t random_number(void) {  // xorshift
  static uint32_t state = 2463534242u;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static int another_than(int index) {
  int other = random_number() % (options.users - 1);
  return other < index ? other : other + 1;
}

static void send_one(uint64_t due_us) {
  static char text[256];
  if (!sequence_of) {
    sequence_of = calloc(options.senders, sizeof *sequence_of);
    memset(text, 'x', options.text_bytes);
  }
  int sender = next_sender;
  next_sender = (next_sender + 1) % options.senders;
  // + sender: spread over the targets
  int index = ((int64_t)sender * options.users / options.senders + sender) % options.users;
  if (connections[index].state != READY) return;
  int to = options.mode == PRIVATE ? another_than(index) : -1;
  char tag[64];
  snprintf(tag, sizeof tag, "@%04x%08x%010lx%04x", sender, ++sequence_of[sender],
           (unsigned long)due_us, to < 0 ? 0xffff : to);
  memcpy(text, tag, TAG);
  send_text(&connections[index], text, to);
  expect(due_us, options.mode == PRIVATE ? 1 : ready);
}

static void drain(void) {
  uint64_t progress_us = now_us(), delivered = total.delivered;
  while (total.delivered < total.expected && now_us() - progress_us < DRAIN_PATIENCE_US) {
    pump(now_us() + DRAIN_STEP_US);
    if (total.delivered != delivered) progress_us = now_us();
    delivered = total.delivered;
  }
}

void warm_up(double rate, double deliveries) {
  double per_message = options.mode == PRIVATE ? 1 : options.users;
  run_at(rate, 0, deliveries / per_message / rate);
  pump(now_us() + SETTLE_US);
}

result run_at(double rate, double lead_seconds, double seconds) {
  result r = {.rate = rate};
  sample before[MAX_PIDS], after[MAX_PIDS];
  uint64_t begin = now_us() + 1000, from = begin + lead_seconds * 1e6, to = from + seconds * 1e6;
  uint64_t measured_from = 0, delivered_before = 0;
  double own_before = 0;
  begin_window(from, to);
  for (uint64_t i = 0;; i++) {
    uint64_t due = begin + (uint64_t)(i * 1e6 / rate);
    if (!measured_from && due >= from) {
      pump(from);
      sample_all(before);
      own_before = own_cpu_us();
      delivered_before = total.delivered;
      measured_from = now_us();
    }
    if (due >= to) break;
    if (now_us() < due) pump(due);
    if (now_us() > due + LATE_US && ++r.late % READ_AFTER_LATE == 0) pump(0);
    send_one(due);
    r.sent += due >= from;
  }
  pump(to);
  double measured_seconds = (now_us() - measured_from) / 1e6;
  sample_all(after);
  double deliveries = total.delivered - delivered_before;
  r.generator_us = (own_cpu_us() - own_before) / deliveries;
  r.per_second = deliveries / measured_seconds;
  for (int i = 0; i < options.pids; i++) {
    r.cpu_us_of[i] = cpu_between(&before[i], &after[i]) / deliveries;
    r.cpu_us += r.cpu_us_of[i];
  }
  drain();
  r.expected = in_window.expected;
  r.delivered = in_window.delivered;
  r.p50 = latency_ms(.5);
  r.p90 = latency_ms(.9);
  r.p99 = latency_ms(.99);
  r.max = latency_ms(1);
  return r;
}
