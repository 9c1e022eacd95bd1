#compdef gputop-k3s kubectl-gputop_k3s
# zsh completion for gputop-k3s: source <(gputop-k3s completion zsh)

_gputop_k3s() {
    local answer line value directive=0
    local -a described
    answer=$("${words[1]}" __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)words[CURRENT]}" </dev/null 2>/dev/null) || return 1
    for line in "${(@f)answer}"; do
        if [[ $line == :* ]]; then
            directive=${line#:}
            continue
        fi
        # A colon divides a candidate from its meaning; those within are escaped.
        value=${${line%%$'\t'*}//:/\\:}
        if [[ $line == *$'\t'* ]]; then
            described+=("$value:${line#*$'\t'}")
        else
            described+=("$value")
        fi
    done
    case $directive in
        0) compset -P '--*='; _files ;;
        16) compset -P '--*='; _files -/ ;;
        *) _describe -V 'gputop-k3s' described ;;
    esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _gputop_k3s "$@"
else
    compdef _gputop_k3s gputop-k3s kubectl-gputop_k3s
fi
