# Completion of ipvsadm, ipvsadm-save and ipvsadm-restore for fish. The program knows what can come next.
function __ipvsadm_complete
    set -l current (commandline -ct)
    set -l candidates (ipvsadm --complete (commandline -opc) "$current" 2>/dev/null)
    if test "$candidates" = :files
        __fish_complete_path "$current"
    else
        string join \n -- $candidates
    end
end
for program in ipvsadm ipvsadm-save ipvsadm-restore
    complete -c $program -f -a '(__ipvsadm_complete)'
end
