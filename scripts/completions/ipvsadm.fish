# Completion of ipvsadm, ipvsadm-save and ipvsadm-restore for fish. The program knows what can come next.
function __ipvsadm_complete
    set -l current (commandline -ct)
    # Ordinary users of Debian do not have the folder of the program in their path.
    set -lx PATH $PATH /usr/local/sbin /usr/sbin /sbin
    set -l candidates (ipvsadm --complete (commandline -opc) "$current" 2>/dev/null)
    if test "$candidates" = :files
        # The value can be in the same word as its option.
        set -l name (string match -r -- '^--[^=]*=' "$current")
        __fish_complete_path (string replace -- "$name" '' "$current") | string replace -r -- '^' "$name"
    else
        string join \n -- $candidates
    end
end
for program in ipvsadm ipvsadm-save ipvsadm-restore
    complete -c $program -f -a '(__ipvsadm_complete)'
end
