/** Headers of the PROXY protocol, version 2, right or wrong. */

/** @param command version and command @param family family and transport @param rest addresses and additions */
export function proxyV2(command: number, family: number, rest: readonly number[]): Buffer {
  const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n");
  const length = [rest.length >> 8, rest.length & 0xff];
  return Buffer.concat([signature, Buffer.from([command, family, ...length, ...rest])]);
}
