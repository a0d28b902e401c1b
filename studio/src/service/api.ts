/** The HTTP API: one typed client, with tokens, second tries and errors that have a code. */
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

/** A request whose address is a path of the API. The deployment is looked up when it is made: not before it is known. */
class ApiRequest extends Request {
  constructor(path: string | URL | Request, init?: RequestInit) {
    super(typeof path === "string" ? `${currentService().deployment.api_url}${path}` : path, init);
  }
}

/** What became of a request. */
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

/** The routes, with their answers typed as the contract has them: the client's own types make lists of its tuples. */
interface Api {
  GET: Call<"get">;
  POST: Call<"post">;
  DELETE: Call<"delete">;
}

/**
 * The API's routes: `await answered(api.GET("/jobs/{job_id}", { params: { path: { job_id } } }))`.
 *
 * What is safe to repeat (reads, deletions, and whatever has an `Idempotency-Key`) is tried again when nobody answers or
 * the service is in trouble; a refused token is renewed once.
 */
export const api = createClient<paths>({ Request: ApiRequest, fetch: fetchWithRetry }) as unknown as Api;

/** The data of an answer. Throws `ServiceError` for every other outcome. */
export async function unwrap<Data>(outcome: Promise<ApiResponse<Data>>): Promise<Data> {
  const { data, error, response } = await outcome;
  if (data === undefined) throw errorFromResponse(response, error);
  return data;
}

async function fetchWithRetry(asked: Request): Promise<Response> {
  const repeatable = IDEMPOTENT_METHODS.has(asked.method) || asked.headers.has("Idempotency-Key");
  for (let attempt = 0; ; attempt++) {
    const last = !repeatable || attempt === ATTEMPTS - 1;
    try {
      const response = await fetchWithToken(asked);
      if (last || !RETRYABLE_STATUSES.has(response.status)) return response;
    } catch (error) {
      if (last || !(error instanceof ServiceError) || error.code !== "unreachable") throw error;
    }
    await sleep(backoffDelay(attempt), asked.signal);
  }
}

async function fetchWithToken(asked: Request): Promise<Response> {
  const bearer = await bearerToken();
  const response = await attempt(asked, bearer);
  if (response !== null && response.status !== 401) return response;
  const unanswered = new ServiceError("unreachable", `${new URL(asked.url).host} does not answer.`, {
    retryable: true,
  });
  // Whether the token was refused is a guess: no reason to end a sign-in that cannot be renewed.
  if (response === null && !canRefresh()) throw unanswered;
  invalidateToken(bearer);
  const renewed = await bearerToken();
  const retried = await attempt(asked, renewed);
  if (retried === null) throw unanswered;
  if (retried.status === 401) endRejectedSession(renewed);
  return retried;
}

/**
 * One attempt; null when it may be that the token was refused. API Gateway words that answer itself and may leave out the
 * headers that let the page read it: then it looks as if nobody had answered, although the service does answer.
 */
async function attempt(asked: Request, bearer: string): Promise<Response | null> {
  const copy = asked.clone();
  copy.headers.set("Authorization", `Bearer ${bearer}`);
  try {
    return await fetchWithTimeout(copy);
  } catch (error) {
    const hidden = error instanceof ServiceError && error.code === "unreachable" && (await isApiReachable());
    if (hidden) return null;
    throw error;
  }
}

const isApiReachable = (): Promise<boolean> =>
  fetchWithTimeout(`${currentService().deployment.api_url}/config`).then(
    ({ ok }) => ok,
    () => false,
  );
