/** File downloads from S3. */

/**
 * Download `url` as a file called `name`. A link's own download would use S3's name, because the file is on another
 * host. Throws if the file cannot be fetched.
 */
export async function downloadFile(url: string, name: string): Promise<void> {
  // An <img> may have cached a response without CORS headers.
  const response = await fetch(url, { cache: "reload" });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const objectUrl = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = objectUrl;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // Some browsers read the file only after this turn.
  setTimeout(() => URL.revokeObjectURL(objectUrl), 60_000);
}
