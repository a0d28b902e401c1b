#!/bin/sh
# Restyle a photo with curl and jq: first_picture.sh PHOTO.jpg RESULT.jpg
# It needs DARKROOM_ENDPOINT and DARKROOM_TOKEN.
set -eu
photo=$1
result=$2
authorization="Authorization: Bearer $DARKROOM_TOKEN"

# 1. Create the job. The response has a form for the upload.
created=$(curl -sS --fail-with-body "$DARKROOM_ENDPOINT/jobs" \
  -H "$authorization" -H "Content-Type: application/json" -H "Idempotency-Key: $(date +%s)-$$" \
  -d '{"kind": "restyle_room", "params": {"style": "japandi"}, "uploads": {"photo": {"content_type": "image/jpeg"}}}')
job_id=$(printf '%s' "$created" | jq -r .job.job_id)

# 2. Upload the photo: every field of the form, and the file last.
printf '%s' "$created" |
  jq -r '.uploads.photo.fields | to_entries[] | "form-string = \("\(.key)=\(.value)" | @json)"' |
  curl -sS --fail-with-body -K - -F "file=@$photo" "$(printf '%s' "$created" | jq -r .uploads.photo.url)"

# 3. Wait for the end.
while true; do
  job=$(curl -sS --fail-with-body "$DARKROOM_ENDPOINT/jobs/$job_id" -H "$authorization")
  state=$(printf '%s' "$job" | jq -r .state)
  case $state in
    completed) break ;;
    failed | cancelled | expired)
      printf '%s' "$job" | jq .error >&2
      exit 1
      ;;
  esac
  sleep 1
done

# 4. Download the picture. Its link needs no token.
curl -sS --fail-with-body -o "$result" "$(printf '%s' "$job" | jq -r '.result.pictures[] | select(.name == "result").url')"
