# shellcheck shell=bash
# Completion of ipvsadm, ipvsadm-save and ipvsadm-restore for bash. The program knows what can come next.
_ipvsadm() {
    local words word kept line
    # bash also splits words at colons and equals signs, which belong to them here.
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
    case ${COMP_LINE:0:COMP_POINT} in *[[:blank:]]) words+=('') ;; esac
    word=${words[-1]}
    # bash replaces only what stands behind the last of them.
    kept=${word%"${word##*["${COMP_WORDBREAKS//[^:=]/}"]}"}
    COMPREPLY=()
    while IFS=$'\t' read -r line _; do
        if [ "$line" = :files ]; then
            compopt -o filenames
            while read -r line; do
                COMPREPLY+=("$line")
            done < <(compgen -f -- "$word")
            return
        fi
        COMPREPLY+=("${line#"$kept"}")
    done < <(ipvsadm --complete "${words[@]}" 2>/dev/null)
}
complete -F _ipvsadm ipvsadm ipvsadm-save ipvsadm-restore
