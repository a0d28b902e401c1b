/** The HTTP client of the API: typed routes, bearer tokens, retries, and errors with codes. */
import createClient, { type MaybeOptionalInit } from "openapi-fetch";
import type { PathsWithMethod, RequiredKeysOf } from "openapi-typescript-helpers";
import type { paths } from "@/contract/types";
import { currentService } from "./deployment";
import { errorFromResponse, ServiceError } from "./error";
import { backoffDelay, fetchWithTimeout, sleep } from "./network";
import { bearerToken, canRefresh, endRejectedSession, invalidateToken } from "./session";

const ATTEMPTS = 3;
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([500, 502, 503, 504]);
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(["GET", "DELETE"]);

/** A request to a path of the API. The deployment's URL is looked up when the request is made. */
class ApiRequest extends Request {
  constructor(path: string | URL | Request, init?: RequestInit) {
    super(typeof path === "string" ? `${currentService().deployment.api_url}${path}` : path, init);
  }
}

/** The response of a request, with its data or error. */
interface ApiResponse<Data> {
  data?: Data | undefined;
  error?: unknown;
  response: Response;
}

type Body<Answer> = Answer extends { content: { "application/json": infer Data } } ? Data : never;
type Success<Operation> = Operation extends { responses: infer Answers }
  ? { [Status in keyof Answers & (200 | 201)]: Body<Answers[Status]> }[keyof Answers & (200 | 201)]
  : never;
type Call<Method extends "get" | "post" | "delete"> = <
  Path extends PathsWithMethod<paths, Method>,
  Init extends MaybeOptionalInit<paths[Path], Method>,
>(
  path: Path,
  ...init: RequiredKeysOf<Init> extends never ? [Init?] : [Init]
) => Promise<ApiResponse<Success<paths[Path][Method]>>>;

/** The typed routes. openapi-fetch's own types would turn the contract's tuples into arrays. */
interface Api {
  GET: Call<"get">;
  POST: Call<"post">;
  DELETE: Call<"delete">;
}

/**
 * The API's routes: `await unwrap(api.GET("/jobs/{job_id}", { params: { path: { job_id } } }))`.
 *
 * Idempotent requests are retried if the service is unreachable or fails: GET, DELETE, and those with an
 * `Idempotency-Key`. A rejected token is refreshed once.
 */
export const api = createClient<paths>({ Request: ApiRequest, fetch: fetchWithRetry }) as unknown as Api;

/** The data of a response. Throws `ServiceError` for any other status. */
export async function unwrap<Data>(outcome: Promise<ApiResponse<Data>>): Promise<Data> {
  const { data, error, response } = await outcome;
  if (data === undefined) throw errorFromResponse(response, error);
  return data;
}

async function fetchWithRetry(request: Request): Promise<Response> {
  const repeatable = IDEMPOTENT_METHODS.has(request.method) || request.headers.has("Idempotency-Key");
  for (let attempt = 0; ; attempt++) {
    const last = !repeatable || attempt === ATTEMPTS - 1;
    try {
      const response = await fetchWithToken(request);
      if (last || !RETRYABLE_STATUSES.has(response.status)) return response;
    } catch (error) {
      if (last || !(error instanceof ServiceError) || error.code !== "unreachable") throw error;
    }
    await sleep(backoffDelay(attempt), request.signal);
  }
}

async function fetchWithToken(request: Request): Promise<Response> {
  const bearer = await bearerToken();
  const response = await attempt(request, bearer);
  if (response !== null && response.status !== 401) return response;
  const unreachable = new ServiceError("unreachable", `${new URL(request.url).host} does not answer.`, {
    retryable: true,
  });
  // The token was only probably rejected: no reason to end a session that cannot be refreshed.
  if (response === null && !canRefresh()) throw unreachable;
  invalidateToken(bearer);
  const freshToken = await bearerToken();
  const retried = await attempt(request, freshToken);
  if (retried === null) throw unreachable;
  if (retried.status === 401) endRejectedSession(freshToken);
  return retried;
}

/**
 * One attempt; null if the token was probably rejected. API Gateway may omit the CORS headers from its own 401. To the
 * page, it then looks like a network error, although the service responds.
 */
async function attempt(request: Request, bearer: string): Promise<Response | null> {
  const copy = request.clone();
  copy.headers.set("Authorization", `Bearer ${bearer}`);
  try {
    return await fetchWithTimeout(copy);
  } catch (error) {
    const rejected = error instanceof ServiceError && error.code === "unreachable" && (await isApiReachable());
    if (rejected) return null;
    throw error;
  }
}

const isApiReachable = (): Promise<boolean> =>
  fetchWithTimeout(`${currentService().deployment.api_url}/config`).then(
    ({ ok }) => ok,
    () => false,
  );
