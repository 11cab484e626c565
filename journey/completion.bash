# Completes the project's commands in bash: `. journey/completion.bash`. In zsh first: autoload -U bashcompinit && bashcompinit
# What is offered is what --help says, so nothing here has to be kept in step with it.
_sklearn_mnist_svc() {
  local words=("${COMP_WORDS[@]:1:COMP_CWORD-1}") typed="${COMP_WORDS[COMP_CWORD]}" offered help
  COMPREPLY=()
  [[ ${words[0]-} == -m ]] || return 0
  case "${words[1]-}" in
    "") offered="journey infra.preflight infra.review infra.drift scoring model_eval local_azure" ;;
    journey | journey.bench_tools | infra.preflight | infra.review | infra.drift | scoring | scoring.bench | model_eval | local_azure)
      local command=("${words[@]:2:1}")
      [[ ${command-} == -* ]] && command=()
      help="$("${COMP_WORDS[0]/#~/$HOME}" -m "${words[1]}" "${command[@]}" --help 2>/dev/null)" || return 0
      # A group takes its command next; everything else takes options.
      offered="$(awk '/^Commands:/ {commands = 1; next} commands || $1 ~ /^--/ {print $1}' <<< "$help")"
      [[ $typed == -* || $help == *Commands:* ]] || offered="" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$typed")
}
complete -o bashdefault -o default -F _sklearn_mnist_svc python python3
