/** Restyle a photo with fetch and FormData. Returns the URL of the picture; it needs no token and is valid for an hour. */
export async function restyle(endpoint, token, photo, onProgress = () => {}) {
  const headers = { Authorization: `Bearer ${token}` };

  // 1. Create the job. The response has a form for the upload.
  const created = await call(`${endpoint}/jobs`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
    body: JSON.stringify({
      kind: "restyle_room",
      params: { style: "japandi" },
      uploads: { photo: { content_type: photo.type } },
    }),
  });

  // 2. Upload the photo: every field of the form, and the file last.
  const { url, fields } = created.uploads.photo;
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", photo);
  const uploaded = await fetch(url, { method: "POST", body: form });
  if (!uploaded.ok) throw new Error(`The upload was refused: HTTP ${uploaded.status}`);

  // 3. Wait for the end.
  for (;;) {
    const job = await call(`${endpoint}/jobs/${created.job.job_id}`, { headers });
    onProgress(job);
    if (job.state === "completed") return job.result.pictures.find(({ name }) => name === "result").url;
    if (["failed", "cancelled", "expired"].includes(job.state)) throw new Error(job.error?.message ?? job.state);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** The JSON of a response. An error has the problem's code and text (RFC 9457). */
async function call(url, options) {
  const response = await fetch(url, options);
  const body = await response.json();
  if (!response.ok) throw new Error(`${body.code ?? response.status}: ${body.detail ?? body.message ?? ""}`);
  return body;
}
