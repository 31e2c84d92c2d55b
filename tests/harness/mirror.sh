# Where this machine's apt gets Debian from: the scripts take that mirror too, never one of their own. To be sourced.

# Prints "URI KEYRING" of the configured source that has @1 (a suite) with component main; KEYRING may be "-".
configured_source() {
  local suite=$1
  {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | awk -v suite="$suite" '
      $1 == "deb" {
        line = $0; key = "-"
        if (match(line, /signed-by=[^] ]+/)) key = substr(line, RSTART + 10, RLENGTH - 10)
        sub(/\[[^]]*\]/, "", line); n = split(line, f, " ")
        if (f[3] == suite) for (i = 4; i <= n; i++) if (f[i] == "main") print f[2], key
      }'
    for file in /etc/apt/sources.list.d/*.sources; do
      [ -e "$file" ] || continue
      awk -v suite="$suite" -v RS= '
        { uri = ""; suites = ""; components = ""; key = "-"; enabled = "yes"; n = split($0, lines, "\n")
          for (i = 1; i <= n; i++) {
            name = tolower(lines[i]); sub(/:.*/, "", name); value = lines[i]; sub(/^[^:]*:[ \t]*/, "", value)
            if (lines[i] ~ /^#/) continue
            if (name == "uris") { split(value, u, " "); uri = u[1] }
            if (name == "suites") suites = " " value " "
            if (name == "components") components = " " value " "
            if (name == "signed-by" && value != "") key = value
            if (name == "enabled") enabled = tolower(value)
          }
          if (enabled != "no" && index(suites, " " suite " ") && index(components, " main ")) print uri, key }' "$file"
    done
  } | head -n 1
}
