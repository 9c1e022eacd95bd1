# bash completion for gputop-k3s: source <(gputop-k3s completion bash)

_gputop_k3s() {
    # bash takes words apart at = and :; they are put together again.
    local words=() word cword=0 i
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        word=${COMP_WORDS[i]}
        if ((${#words[@]} > 1)) && [[ $word == [=:]* || ${words[${#words[@]} - 1]} == *[=:] ]] &&
            [[ $COMP_LINE == *"${words[${#words[@]} - 1]}$word"* ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        ((i == COMP_CWORD)) && cword=$((${#words[@]} - 1))
    done
    local current=${words[cword]}
    # Quotes that are still open are the shell's, not the program's.
    current=${current#[\"\']}

    local answer directive=0 line
    answer=$("${words[0]}" __complete "${words[@]:1:cword-1}" "$current" </dev/null 2>/dev/null) || return
    # What bash has taken apart it expects without the part before.
    local before=${current%"${current##*[=:]}"} stripped
    [[ $COMP_WORDBREAKS == *=* || $before != *= ]] || before=
    [[ $COMP_WORDBREAKS == *:* || $before != *: ]] || before=
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == :* ]]; then
            directive=${line#:}
        else
            stripped=${line%%$'\t'*}
            stripped=${stripped#"$before"}
            [[ $stripped != *[[:space:]]* ]] || printf -v stripped %q "$stripped"
            COMPREPLY+=("$stripped")
        fi
    done <<<"$answer"
    case $directive in
        0) COMPREPLY=($(compgen -f -- "${current#"$before"}")); compopt -o filenames 2>/dev/null ;;
        16) COMPREPLY=($(compgen -d -- "${current#"$before"}")); compopt -o filenames 2>/dev/null ;;
    esac
}

complete -F _gputop_k3s gputop-k3s kubectl-gputop_k3s
