// Counts what arrives: each message once at each that it is for, and how late.
#include "load.h"

#include <string.h>

#define FINE 64  // steps in each power of two of the histogram
#define STEPS (FINE * 40)

counts total, in_window;
uint64_t now_reading_us;
static uint64_t window_from_us, window_to_us, late_by[STEPS], latest_us;
static uint8_t hex_digit[256];

void tally_init(void) {
  memset(hex_digit, 0xff, sizeof hex_digit);
  for (int i = 0; i < 10; i++) hex_digit['0' + i] = i;
  for (int i = 0; i < 6; i++) hex_digit['a' + i] = 10 + i;
}

void begin_window(uint64_t from_us, uint64_t to_us) {
  memset(late_by, 0, sizeof late_by);
  in_window = (counts){0};
  latest_us = 0;
  window_from_us = from_us;
  window_to_us = to_us;
}

static int is_in_window(uint64_t due_us) {
  return due_us >= window_from_us && due_us < window_to_us;
}

void expect(uint64_t due_us, int receivers) {
  total.expected += receivers;
  if (is_in_window(due_us)) in_window.expected += receivers;
}

static int step_of(uint64_t us) {
  if (us < FINE) return us;
  int shift = 63 - __builtin_clzll(us) - 6;
  int step = (shift + 1) * FINE + (int)((us >> shift) - FINE);
  return step < STEPS ? step : STEPS - 1;
}

static uint64_t top_of(int step) {
  if (step < FINE) return step;
  int shift = step / FINE - 1;
  return ((uint64_t)(step % FINE + FINE + 1) << shift) - 1;
}

double latency_ms(double quantile) {
  uint64_t all = 0, so_far = 0;
  for (int i = 0; i < STEPS; i++) all += late_by[i];
  for (int i = 0; i < STEPS && all; i++) {
    so_far += late_by[i];
    if (so_far >= quantile * all && so_far)
      return (top_of(i) < latest_us ? top_of(i) : latest_us) / 1e3;
  }
  return latest_us / 1e3;
}

static int hex(const uint8_t *digits, int count, uint64_t *into) {
  uint64_t number = 0;
  for (int i = 0; i < count; i++) {
    uint8_t digit = hex_digit[digits[i]];
    if (digit > 15) return 0;
    number = number << 4 | digit;
  }
  *into = number;
  return 1;
}

static int tally_one(connection *c, const uint8_t *tag) {
  uint64_t sender, sequence, due_us, to;
  if (!hex(tag + 1, 4, &sender) || !hex(tag + 5, 8, &sequence) || !hex(tag + 13, 10, &due_us) ||
      !hex(tag + 23, 4, &to))
    return 0;
  // a sender hears its own private messages from some servers; they are no delivery
  if (options.mode == PRIVATE && to != c->index) return 1;
  if (sender >= (uint64_t)options.senders) return 1;
  // a message that a later one overtook counts as one that was repeated, and is missed as lost
  if (sequence <= c->seen[sender]) {
    total.duplicates++;
    return 1;
  }
  c->seen[sender] = sequence;
  total.delivered++;
  if (!is_in_window(due_us)) return 1;
  uint64_t late_us = now_reading_us > due_us ? now_reading_us - due_us : 0;
  in_window.delivered++;
  late_by[step_of(late_us)]++;
  if (late_us > latest_us) latest_us = late_us;
  return 1;
}

int tally(connection *c, const uint8_t *text, uint32_t bytes) {
  const uint8_t *end = text + bytes;
  int tags = 0;
  while (text < end && (text = memchr(text, '@', end - text)) && end - text >= TAG) {
    int is_tag = tally_one(c, text);
    tags += is_tag;
    text += is_tag ? TAG : 1;
  }
  return tags;
}
