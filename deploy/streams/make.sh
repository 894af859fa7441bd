# Makes the streams that are not there; what exists stays as it is.
for file in "$(dirname "$0")"/*.json; do
  name=$(basename "$file" .json)
  nats stream info "$name" >/dev/null 2>&1 || nats stream add "$name" --config "$file" >/dev/null || exit 1
done
