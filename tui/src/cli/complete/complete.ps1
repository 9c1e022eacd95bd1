# PowerShell completion for gputop-k3s:
# gputop-k3s completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName 'gputop-k3s', 'kubectl-gputop_k3s' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text } })
    $program = $words[0]
    $rest = @($words | Select-Object -Skip 1)
    # The word at the cursor is the one to complete; after a blank it is empty. An empty argument
    # is lost on the way to a native program unless it is quoted once more (before PowerShell 7.3).
    $empty = if ($PSNativeCommandArgumentPassing -and $PSNativeCommandArgumentPassing -ne 'Legacy') { '' } else { '""' }
    if ($wordToComplete -eq '') { $rest += $empty }

    $answer = @($null | & $program __complete @rest 2>$null)
    foreach ($line in $answer) {
        if ($line.StartsWith(':')) { continue }
        $parts = $line.Split("`t", 2)
        $meaning = if ($parts.Length -eq 2 -and $parts[1]) { $parts[1] } else { $parts[0] }
        $text = if ($parts[0] -match '[\s''"$`]') { "'" + $parts[0].Replace("'", "''") + "'" } else { $parts[0] }
        [System.Management.Automation.CompletionResult]::new($text, $parts[0], 'ParameterValue', $meaning)
    }
}
