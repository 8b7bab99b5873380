// What processes have used so far, from /proc: CPU time and resident memory.
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void sample_one(int pid, sample *into) {
  char path[64], line[1024];
  *into = (sample){0};
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (!file) return;
  line[fread(line, 1, sizeof line - 1, file)] = 0;
  fclose(file);
  unsigned long user = 0, system = 0;
  char *after_name = strrchr(line, ')');
  if (!after_name) return;
  sscanf(after_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  double tick_us = 1e6 / sysconf(_SC_CLK_TCK);
  into->user_us = user * tick_us;
  into->system_us = system * tick_us;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  if (!(file = fopen(path, "r"))) return;
  while (fgets(line, sizeof line, file))
    if (!strncmp(line, "VmRSS:", 6)) into->resident_kb = atol(line + 6);
  fclose(file);
}

void sample_all(sample into[MAX_PIDS]) {
  for (int i = 0; i < options.pids; i++) sample_one(options.pid[i], &into[i]);
}

double cpu_between(const sample *before, const sample *after) {
  return after->user_us - before->user_us + after->system_us - before->system_us;
}

long resident_kb(void) {
  sample now[MAX_PIDS];
  long kb = 0;
  sample_all(now);
  for (int i = 0; i < options.pids; i++) kb += now[i].resident_kb;
  return kb;
}

double own_cpu_us(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + used.ru_utime.tv_usec +
         used.ru_stime.tv_usec;
}
