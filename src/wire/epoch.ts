/** Epochs as JSON has them: numbers in base 36, which only rise. Imports nothing: the clients take it along. */

export function epochText(epoch: number): string {
  return epoch.toString(36);
}

/** NaN if the text is no epoch. */
export function epochFromText(text: string): number {
  return Number.parseInt(text, 36);
}

export function isNewerEpoch(epoch: string, than: string): boolean {
  return epochFromText(epoch) > epochFromText(than);
}
