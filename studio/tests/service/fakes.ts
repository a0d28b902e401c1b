import { vi } from "vitest";
import type { Job, State } from "@/contract/types";
import { useService } from "@/service/deployment";
import type { SocketLike } from "@/service/websocket";

export const API = "https://api.example.com";
export const ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool";
export const CLIENT = "client";
export const LIMITS = { upload_seconds: 900, max_upload_bytes: 20_000_000 };

export const CONFIG = {
  socket_url: "wss://socket.example.com/live",
  region: "eu-west-1",
  issuer: ISSUER,
  client_id: CLIENT,
  limits: LIMITS,
  kinds: [],
  api: { version: "1.1", oldest_client: "1.0" },
};

/** Sets a loaded deployment. */
export function setDeployment(over: { issuer?: string } = {}): void {
  useService.setState({
    status: "ready",
    error: null,
    service: {
      deployment: {
        deployment: "test",
        api_url: API,
        identity_url: null,
        local_user: { username: "local", password: "secret" },
      },
      config: {
        ...CONFIG,
        ...over,
        limits: {
          content_types: ["image/jpeg"],
          max_upload_bytes: 20_000_000,
          audio_types: ["audio/wav"],
          max_audio_bytes: 60_000_000,
          max_script_characters: 5000,
          max_voice_seconds: 300,
          max_video_seconds: 600,
          max_pixels: 50_000_000,
          max_side: 16_384,
          min_side: 32,
          upload_seconds: 900,
        },
      },
    },
  });
}

export const idOf = (letter: string): string => letter.repeat(32);

/** The upload of a JPEG that has not arrived. */
export function upload(over: Partial<Job["uploads"][string]> = {}): Job["uploads"][string] {
  return {
    content_type: "image/jpeg",
    size: null,
    sha256: null,
    asset_id: null,
    avatar: null,
    received: false,
    width: null,
    height: null,
    url: null,
    ...over,
  };
}

/** A job in a state; its progress follows `seq`. */
export function jobIn(state: State, seq: number, over: Partial<Job> = {}): Job {
  return {
    job_id: idOf("a"),
    kind: "upscale",
    state,
    seq,
    attempt: 1,
    progress: Math.min(1, seq / 10),
    stage: null,
    message: "",
    engine: "preview",
    allow_preview: false,
    cached: false,
    params: {},
    uploads: { photo: upload() },
    preview: null,
    result: null,
    error: null,
    timeline: [],
    cost_usd: null,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
    ended: false,
    newer_version: false,
    ...over,
  };
}

export function jsonResponse(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
}

export const problemResponse = (
  status: number,
  code: string,
  more: object = {},
  headers: Record<string, string> = {},
) => jsonResponse({ title: code, status, code, detail: `${code} it is`, ...more }, status, headers);

/** An unsigned JWT. */
export function jwt(claims: object): string {
  const part = (value: object) =>
    btoa(JSON.stringify(value)).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");
  return `${part({ alg: "none" })}.${part(claims)}.x`;
}

/** A WebSocket that the test answers. */
export class FakeSocket extends EventTarget implements SocketLike {
  readonly sentMessages: Record<string, unknown>[] = [];
  closed = false;

  constructor(readonly url: string) {
    super();
  }

  send(text: string): void {
    this.sentMessages.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.dispatchEvent(new Event("open"));
  }

  receive(message: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  receiveJob(job: Job): void {
    this.receive({ type: "job", job });
  }

  disconnect(): void {
    this.dispatchEvent(new Event("close"));
  }
}

/** Sets whether the browser reports that it is online. */
export function setOnline(online: boolean): void {
  vi.spyOn(navigator, "onLine", "get").mockReturnValue(online);
  dispatchEvent(new Event(online ? "online" : "offline"));
}

type Handler = (request: Request) => Response | Promise<Response>;

/** Fakes all hosts: `"GET https://…/path"` → response. Other requests fail as unreachable. */
export function fakeHosts(routes: Record<string, Handler>) {
  const calls: Request[] = [];
  const stub = vi.fn(async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, { ...init, signal: null });
    calls.push(request.clone());
    const { origin, pathname } = new URL(request.url);
    const handler = routes[`${request.method} ${origin}${pathname}`];
    if (handler === undefined) throw new TypeError("Failed to fetch");
    return handler(request);
  });
  vi.stubGlobal("fetch", stub);
  const to = (route: string) => calls.filter(({ method, url }) => `${method} ${url.split("?")[0]}` === route);
  return { routes, calls, to };
}

/** Runs the callbacks of promises that are settled already. */
export async function flushPromises(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
