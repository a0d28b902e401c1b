// Runs docs/examples/react-native.ts against stand-ins of React Native's fetch and FormData; prints the calls as JSON.
const calls = [];
const [example, outcome] = process.argv.slice(2);

/** React Native's FormData: parts are text, or a file by its URI. It has no `get`. */
globalThis.FormData = class {
  parts = [];

  append(name, value) {
    if (typeof value !== "string" && typeof value?.uri !== "string") throw new Error(`${name} is neither text nor a file`);
    this.parts.push([name, value]);
  }
};
// React Native has no crypto.
Object.defineProperty(globalThis, "crypto", { value: undefined });
globalThis.setTimeout = (done) => queueMicrotask(done);

const job = { job_id: "job-1", state: "awaiting_upload", progress: 0 };
const fields = { key: "uploads/job-1/photo", "Content-Type": "image/jpeg", policy: "p" };
const pictures = [
  { name: "thumbnail", url: "https://bucket.example/thumbnail.jpg" },
  { name: "result", url: "https://bucket.example/result.jpg" },
];
const states = [
  { ...job, state: "running", progress: 0.5 },
  outcome === "failed"
    ? { ...job, state: "failed", error: { code: "no_face", message: "There is no face." } }
    : { ...job, state: "completed", result: { pictures } },
];

const answer = (status, body) => ({ ok: status < 400, status, json: async () => body });

globalThis.fetch = async (url, options = {}) => {
  const { method = "GET", headers = {}, body } = options;
  calls.push({ method, url, headers, body: body instanceof FormData ? body.parts : body });
  if (url === "https://bucket.example/") return answer(outcome === "refused" ? 403 : 204, null);
  if (method === "GET") return answer(200, states.shift());
  if (outcome === "invalid") return answer(422, { code: "invalid_request", detail: "No such style." });
  return answer(201, { job, uploads: { photo: { url: "https://bucket.example/", fields } } });
};

const { restyle } = await import(example);
const result = await restyle("https://api.example", "token-1", { uri: "file:///photo.jpg", type: "image/jpeg" }).catch(
  (error) => ({ error: error.message }),
);
console.log(JSON.stringify({ result, calls }));
