/** A photo as an image picker of React Native gives it. */
export interface Photo {
  uri: string;
  type: "image/jpeg" | "image/png" | "image/webp";
}

/** Restyle a photo. Returns the URL of the picture, for `<Image source={{ uri }} />`; it is valid for an hour. */
export async function restyle(endpoint: string, token: string, photo: Photo): Promise<string> {
  const headers = { Authorization: `Bearer ${token}` };

  // 1. Create the job. The response has a form for the upload.
  const created = await call(`${endpoint}/jobs`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json", "Idempotency-Key": `${Date.now()}-${Math.random()}` },
    body: JSON.stringify({
      kind: "restyle_room",
      params: { style: "japandi" },
      uploads: { photo: { content_type: photo.type } },
    }),
  });

  // 2. Upload the photo: every field of the form, and the file last. React Native reads the file from its URI.
  const { url, fields } = created.uploads.photo;
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value as string);
  form.append("file", { uri: photo.uri, type: photo.type, name: "photo" } as unknown as Blob);
  const uploaded = await fetch(url, { method: "POST", body: form });
  if (!uploaded.ok) throw new Error(`The upload was refused: HTTP ${uploaded.status}`);

  // 3. Wait for the end.
  for (;;) {
    const job = await call(`${endpoint}/jobs/${created.job.job_id}`, { headers });
    if (job.state === "completed") return job.result.pictures.find((each: { name: string }) => each.name === "result").url;
    if (["failed", "cancelled", "expired"].includes(job.state)) throw new Error(job.error?.message ?? job.state);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** The JSON of a response. An error has the problem's code and text (RFC 9457). */
async function call(url: string, options: RequestInit): Promise<any> {
  const response = await fetch(url, options);
  const body = await response.json();
  if (!response.ok) throw new Error(`${body.code ?? response.status}: ${body.detail ?? body.message ?? ""}`);
  return body;
}
