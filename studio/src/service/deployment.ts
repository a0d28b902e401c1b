/** The deployment's configuration: `config.json` beside the page, and the service's `GET /config`. */
import { create } from "zustand";
import type { PublicConfig } from "@/contract/types";
import { errorFromResponse, isRecord, ServiceError, toServiceError } from "./error";
import { fetchWithTimeout } from "./network";

/** The content of `config.json`. */
export interface Deployment {
  /** The deployment's display name. */
  deployment: string;
  /** The URL of the HTTP API, without a trailing slash. */
  api_url: string;
  /** The endpoint of Cognito; null: the issuer's own host. */
  identity_url: string | null;
  /** The user of the one-click sign-in; only local stacks have one. */
  local_user: { username: string; password: string } | null;
}

/** A deployment, and its public configuration. */
export interface Service {
  deployment: Deployment;
  config: PublicConfig;
}

interface ServiceState {
  status: "loading" | "ready" | "failed";
  service: Service | null;
  error: ServiceError | null;
  /** Loads the deployment, again if that failed before. */
  load(): Promise<void>;
  /** Reloads it, as the stack may have been redeployed. On failure, what is known stays. */
  reload(): Promise<void>;
}

const FILE = "config.json";
let loading: Promise<void> | null = null;

/** The store of the current deployment. */
export const useService = create<ServiceState>()((set, get) => ({
  status: "loading",
  service: null,
  error: null,
  load() {
    if (get().status === "ready") return Promise.resolve();
    loading ??= loadService()
      .then((service) => set({ status: "ready", service, error: null }))
      .catch((error: unknown) => set({ status: "failed", error: toServiceError(error) }))
      .finally(() => {
        loading = null;
      });
    return loading;
  },
  async reload() {
    const service = await loadService().catch(() => null);
    if (service !== null) set({ service });
  },
}));

/** The current deployment. Throws `ServiceError` before it is loaded. */
export function currentService(): Service {
  const { service } = useService.getState();
  if (service === null) throw new ServiceError("no_deployment", "The studio has not found its deployment yet.");
  return service;
}

async function loadService(): Promise<Service> {
  const url = new URL(`${import.meta.env.BASE_URL}${FILE}`, location.origin).href;
  const deployment = toDeployment(await json(await fetchWithTimeout(url, { cache: "no-cache" })));
  const config = toConfig(await json(await fetchWithTimeout(`${deployment.api_url}/config`)));
  return { deployment, config };
}

async function json(response: Response): Promise<unknown> {
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw errorFromResponse(response, body);
  return body;
}

function toDeployment(body: unknown): Deployment {
  if (!isRecord(body) || typeof body.api_url !== "string") {
    throw new ServiceError("no_deployment", `${FILE} does not say where the service is.`);
  }
  const { deployment, api_url, identity_url, local_user: user } = body;
  return {
    deployment: typeof deployment === "string" ? deployment : new URL(api_url).host,
    api_url: api_url.replace(/\/+$/, ""),
    identity_url: typeof identity_url === "string" ? identity_url : null,
    local_user:
      isRecord(user) && typeof user.username === "string" && typeof user.password === "string"
        ? { username: user.username, password: user.password }
        : null,
  };
}

function toConfig(body: unknown): PublicConfig {
  if (!isConfig(body)) throw new ServiceError("no_deployment", "What answers there is not a Darkroom service.");
  return body;
}

function isConfig(body: unknown): body is PublicConfig {
  return (
    isRecord(body) &&
    isRecord(body.limits) &&
    [body.socket_url, body.issuer, body.client_id].every((value) => typeof value === "string")
  );
}
