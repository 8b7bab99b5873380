/** Certificates for tests, made by openssl: two authorities, and what they sign. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificates {
  /** The path of a file: `ca.crt`, `other-ca.crt`, or one that {@link issue} has made. */
  at(file: string): string;
  /** Makes NAME.crt and NAME.key. @param names as `IP:127.0.0.1,DNS:localhost` @param by `ca` or `other-ca` */
  issue(name: string, names: string, by?: string, days?: number): void;
  remove(): void;
}

export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "tertulia-tls-"));
  const at = (file: string): string => join(folder, file);
  for (const name of ["ca", "other-ca"]) {
    openssl(
      folder,
      `req -x509 ${NEW_KEY} -days 2 -subj /CN=${name} -keyout ${name}.key -out ${name}.crt`,
    );
  }
  let serial = 1;
  const certificates: Certificates = {
    at,
    issue(name, names, by = "ca", days = 2) {
      writeFileSync(at("names"), `subjectAltName=${names}\n`);
      openssl(folder, `req ${NEW_KEY} -subj /CN=${name} -keyout ${name}.key -out ${name}.csr`);
      openssl(
        folder,
        `x509 -req -in ${name}.csr -CA ${by}.crt -CAkey ${by}.key -set_serial ${serial++} -days ${days} -extfile names -out ${name}.crt`,
      );
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  certificates.issue("server", "IP:127.0.0.1,DNS:localhost");
  certificates.issue("client", "DNS:gateway");
  return certificates;
}

export function pemOf(certificates: Certificates, file: string): string {
  return readFileSync(certificates.at(file), "utf8");
}

const NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

function openssl(folder: string, command: string): void {
  execFileSync("openssl", command.split(" "), { cwd: folder, stdio: "pipe" });
}
