# Completion of mux-quic for fish. What may come next is known to the program.
function __mux_quic_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -e words[1]
    for line in (mux-quic complete -- $words "$current" 2>/dev/null)
        if string match -q ':files*' -- $line
            set -l before (string replace ':files' '' -- $line)
            __fish_complete_path (string sub -s (math (string length -- "$before") + 1) -- "$current") | while read -l path
                echo $before$path
            end
        else
            echo $line
        end
    end
end
complete -c mux-quic -f -a '(__mux_quic_complete)'
