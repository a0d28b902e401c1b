import { beforeEach, expect, test, vi } from "vitest";
import { api, unwrap } from "@/service/api";
import { useService } from "@/service/deployment";
import { errorMessage as inWords } from "@/service/error-message";
import { useSession } from "@/service/session";
import {
  API,
  CONFIG,
  fakeHosts,
  idOf,
  jobIn,
  jsonResponse,
  jwt,
  problemResponse,
  setDeployment,
  setOnline,
} from "./fakes";

const POOL = "POST https://cognito-idp.eu-west-1.amazonaws.com/";
const JOB = `GET ${API}/jobs/${idOf("a")}`;
const get = () => unwrap(api.GET("/jobs/{job_id}", { params: { path: { job_id: idOf("a") } } }));

function pool() {
  let number = 0;
  return () => {
    number += 1;
    return jsonResponse({
      AuthenticationResult: { AccessToken: jwt({ username: "ann", number }), RefreshToken: "r", ExpiresIn: 3600 },
    });
  };
}

beforeEach(async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  sessionStorage.clear();
  setOnline(true);
  setDeployment();
  fakeHosts({ [POOL]: pool() });
  await useSession.getState().signIn("ann", "secret");
});

test("a response is unwrapped to its data, requested with the token", async () => {
  const { calls } = fakeHosts({ [JOB]: () => jsonResponse(jobIn("running", 3)) });
  expect((await get()).seq).toBe(3);
  expect(calls[0]?.headers.get("Authorization")).toMatch(/^Bearer ey/);
});

test("a validation error has its fields", async () => {
  fakeHosts({
    [`POST ${API}/jobs/${idOf("a")}/rerun`]: () =>
      problemResponse(422, "invalid_request", {
        errors: [{ field: "params.scale", message: "Input should be 2, 3 or 4" }],
      }),
  });
  const asked = unwrap(
    api.POST("/jobs/{job_id}/rerun", { params: { path: { job_id: idOf("a") } }, body: { params: {}, cache: true } }),
  );
  await expect(asked).rejects.toMatchObject({
    code: "invalid_request",
    status: 422,
    retryable: false,
    errors: [{ field: "params.scale", message: "Input should be 2, 3 or 4" }],
  });
});

test("a rate limit error says in words when to retry", async () => {
  const { calls } = fakeHosts({ [JOB]: () => problemResponse(429, "rate_limited", {}, { "Retry-After": "20" }) });
  const error = await get().catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "rate_limited", retryable: true, retryAfter: 20 });
  expect(inWords(error).advice).toContain("in 20 seconds");
  expect(calls).toHaveLength(1);
});

test("a gateway's response without problem details has a code", async () => {
  fakeHosts({ [JOB]: () => jsonResponse({ message: "Not Found" }, 404) });
  await expect(get()).rejects.toMatchObject({ code: "not_found", message: "Not Found" });
});

test("a failing service is retried", async () => {
  const answers = [problemResponse(503, "endpoint_unavailable"), jsonResponse(jobIn("running", 4))];
  fakeHosts({ [JOB]: () => answers.shift() ?? jsonResponse({}) });
  expect((await get()).seq).toBe(4);
});

test("requests that are not idempotent are not retried", async () => {
  const { calls } = fakeHosts({ [`POST ${API}/prompts/enhance`]: () => problemResponse(500, "internal") });
  await expect(
    unwrap(api.POST("/prompts/enhance", { body: { kind: "generate", prompt: "a lamp" } })),
  ).rejects.toMatchObject({
    code: "internal",
  });
  expect(calls).toHaveLength(1);
});

test("a rejected token is refreshed once for all requests", async () => {
  const renewed = vi.fn(pool());
  renewed();
  const { calls } = fakeHosts({
    [POOL]: renewed,
    [JOB]: (asked) =>
      asked.headers.get("Authorization")?.includes(btoa('{"username":"ann","number":1}').replaceAll("=", ""))
        ? jsonResponse({ message: "Unauthorized" }, 401)
        : jsonResponse(jobIn("running", 3)),
  });
  const jobs = await Promise.all([get(), get()]);
  expect(jobs.map(({ seq }) => seq)).toEqual([3, 3]);
  expect(renewed).toHaveBeenCalledTimes(2);
  expect(calls.filter(({ url }) => url.includes("cognito"))).toHaveLength(1);
});

test("a 401 without CORS headers is recognised if the service is reachable", async () => {
  let tries = 0;
  fakeHosts({
    [POOL]: pool(),
    [`GET ${API}/config`]: () => jsonResponse(CONFIG),
    [JOB]: () => {
      tries += 1;
      if (tries === 1) throw new TypeError("Failed to fetch");
      return jsonResponse(jobIn("running", 5));
    },
  });
  expect((await get()).seq).toBe(5);
});

test("a token that cannot be refreshed ends the session", async () => {
  fakeHosts({
    [POOL]: () => jsonResponse({ __type: "NotAuthorizedException", message: "Refresh Token has been revoked" }, 400),
    [JOB]: () => jsonResponse({ message: "Unauthorized" }, 401),
  });
  await expect(get()).rejects.toMatchObject({ code: "unauthorized" });
  expect(useSession.getState().status).toBe("signed_out");
});

test("a rejected fresh token ends the session", async () => {
  fakeHosts({ [POOL]: pool(), [JOB]: () => jsonResponse({ message: "Unauthorized" }, 401) });
  await expect(get()).rejects.toMatchObject({ code: "unauthorized" });
  expect(useSession.getState()).toMatchObject({ status: "signed_out", error: { code: "unauthorized" } });
});

test("a network failure does not end a session that cannot be refreshed", async () => {
  fakeHosts({
    [POOL]: () => jsonResponse({ AuthenticationResult: { AccessToken: jwt({ username: "ann" }), ExpiresIn: 3600 } }),
  });
  await useSession.getState().signIn("ann", "secret");
  const answers = [jsonResponse(jobIn("running", 5))];
  let tries = 0;
  fakeHosts({
    [`GET ${API}/config`]: () => jsonResponse(CONFIG),
    [JOB]: () => {
      tries += 1;
      const answer = tries > 1 ? answers.shift() : undefined;
      if (answer === undefined) throw new TypeError("Failed to fetch");
      return answer;
    },
  });
  expect((await get()).seq).toBe(5);
  expect(useSession.getState().status).toBe("signed_in");
});

test("a network failure is unreachable, or offline if the browser reports that", async () => {
  fakeHosts({});
  await expect(get()).rejects.toMatchObject({ code: "unreachable", retryable: true });
  setOnline(false);
  await expect(get()).rejects.toMatchObject({ code: "offline", retryable: true });
});

test("the deployment is loaded from config.json, and can be loaded again", async () => {
  useService.setState({ status: "loading", service: null, error: null });
  const { routes } = fakeHosts({ [`GET ${location.origin}/config.json`]: () => jsonResponse({ api_url: `${API}/` }) });
  await useService.getState().load();
  expect(useService.getState()).toMatchObject({ status: "failed", service: null });
  expect(useService.getState().error?.code).toBe("unreachable");
  routes[`GET ${API}/config`] = () => jsonResponse(CONFIG);
  await useService.getState().load();
  expect(useService.getState()).toMatchObject({
    status: "ready",
    service: { deployment: { deployment: "api.example.com", api_url: API, identity_url: null, local_user: null } },
  });
});

test("an HTML page in place of config.json is no deployment", async () => {
  useService.setState({ status: "loading", service: null, error: null });
  fakeHosts({ [`GET ${location.origin}/config.json`]: () => new Response("<!doctype html>") });
  await useService.getState().load();
  expect(useService.getState().error?.code).toBe("no_deployment");
});
