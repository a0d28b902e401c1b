/** Files of the service onto the person's own disk. */

/**
 * Save what `url` gives as `name`. The browser's own download would take the name that the storage has, as the file is
 * on another host. Throws when the file cannot be had.
 */
export async function downloadFile(url: string, name: string): Promise<void> {
  // What an <img> left in the cache came without the headers that let a page read it.
  const answer = await fetch(url, { cache: "reload" });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const objectUrl = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = objectUrl;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // Some browsers read the file only after this turn.
  setTimeout(() => URL.revokeObjectURL(objectUrl), 60_000);
}
