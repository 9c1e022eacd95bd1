# fish completion for gputop-k3s:
# gputop-k3s completion fish > ~/.config/fish/completions/gputop-k3s.fish

function __gputop_k3s_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --cut-at-cursor --current-token)
    set -l answer ($words[1] __complete $words[2..-1] "$current" </dev/null 2>/dev/null)
    or return
    set -l directive 0
    for line in $answer
        if string match --quiet ':*' -- $line
            set directive (string sub --start 2 -- $line)
        else
            echo $line
        end
    end
    # --flag=PATH: the path is completed, the flag stays.
    set -l flag (string match --regex '^--[^=]*=' -- $current)
    set -l path (string replace --regex '^--[^=]*=' '' -- $current)
    set -l paths
    switch $directive
        case 0
            set paths (__fish_complete_path "$path")
        case 16
            set paths (__fish_complete_directories "$path")
    end
    for one in $paths
        echo "$flag$one"
    end
end

complete --command gputop-k3s --no-files --keep-order --arguments '(__gputop_k3s_complete)'
complete --command kubectl-gputop_k3s --no-files --keep-order --arguments '(__gputop_k3s_complete)'
