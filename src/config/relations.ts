/** Relations that must hold between fields of the configuration. */

interface Related {
  readonly PORT: number;
  readonly METRICS_PORT: number;
  readonly LEASE_MS: number;
  readonly BEAT_MS: number;
  readonly ELECTION_MS: number;
  readonly REDIS_COMMAND_TIMEOUT_MS: number;
  readonly OPERATION_DEADLINE_MS: number;
  readonly IDLE_AFTER_MS: number;
  readonly QUEUE_MAX_BYTES: number;
  readonly MAX_QUEUED_BYTES: number;
  readonly CLASSIC_REPLY_MAX_BYTES: number;
}

export interface Mistake {
  readonly variable: string;
  readonly message: string;
  /** Shown instead of the field's own example. */
  readonly example?: string;
}

export function mistakesBetween(config: Related): Mistake[] {
  const { LEASE_MS, BEAT_MS, REDIS_COMMAND_TIMEOUT_MS: timeoutMs } = config;
  const mistakes: Mistake[] = [];
  const must = (holds: boolean, variable: keyof Related, message: string): void => {
    if (!holds) mistakes.push({ variable, message: `must be ${message}` });
  };
  if (config.METRICS_PORT !== 0 && config.METRICS_PORT === config.PORT) {
    const message = "must be another than PORT";
    mistakes.push({ variable: "METRICS_PORT", message, example: "9464" });
  }
  must(LEASE_MS >= 3 * BEAT_MS, "LEASE_MS", `at least three times BEAT_MS (${BEAT_MS})`);
  must(
    LEASE_MS >= BEAT_MS + timeoutMs,
    "LEASE_MS",
    `at least BEAT_MS + REDIS_COMMAND_TIMEOUT_MS (${BEAT_MS} + ${timeoutMs})`,
  );
  must(config.IDLE_AFTER_MS >= 2 * BEAT_MS, "IDLE_AFTER_MS", `at least twice BEAT_MS (${BEAT_MS})`);
  must(
    config.QUEUE_MAX_BYTES >= 2 * config.CLASSIC_REPLY_MAX_BYTES,
    "QUEUE_MAX_BYTES",
    `at least twice CLASSIC_REPLY_MAX_BYTES (${config.CLASSIC_REPLY_MAX_BYTES})`,
  );
  must(
    config.MAX_QUEUED_BYTES >= config.QUEUE_MAX_BYTES,
    "MAX_QUEUED_BYTES",
    `at least QUEUE_MAX_BYTES (${config.QUEUE_MAX_BYTES})`,
  );
  must(
    config.ELECTION_MS <= LEASE_MS / 4,
    "ELECTION_MS",
    `at most a quarter of LEASE_MS (${LEASE_MS})`,
  );
  must(
    timeoutMs < config.OPERATION_DEADLINE_MS,
    "REDIS_COMMAND_TIMEOUT_MS",
    `below OPERATION_DEADLINE_MS (${config.OPERATION_DEADLINE_MS})`,
  );
  return mistakes;
}
