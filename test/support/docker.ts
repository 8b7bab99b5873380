/** The Docker engine, where there is one. */
import { execFileSync } from "node:child_process";
import { getContainerRuntimeClient } from "testcontainers";

/** Why containers cannot be tried here, or undefined. */
export function whyNoEngine(): string | undefined {
  try {
    execFileSync("docker", ["compose", "version"], { stdio: "pipe" });
    execFileSync("docker", ["version", "--format", "{{.Server.Version}}"], { stdio: "pipe" });
    return undefined;
  } catch {
    return "no Docker engine with compose answers here: images and docker-compose.yml are not tried";
  }
}

export interface ContainerState {
  readonly name: string;
  readonly status: string;
  readonly exitCode: number;
}

/** Does to one container, by name, what `docker kill`, `stop`, … do. */
export async function docker(
  act: "kill" | "stop" | "start" | "pause" | "unpause",
  name: string,
): Promise<ContainerState> {
  const { container } = await getContainerRuntimeClient();
  const handle = container.getById(name);
  await Reflect.apply(handle[act], handle, []);
  const { State } = await container.inspect(handle);
  return { name, status: State.Status, exitCode: State.ExitCode };
}
