# shellcheck shell=bash
# Completion of ipvsadm, ipvsadm-save and ipvsadm-restore for bash. The program knows what can come next.
_ipvsadm() {
    local words word kept name line
    # bash also splits words at colons and equals signs, which belong to them here.
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
    case ${COMP_LINE:0:COMP_POINT} in *[[:blank:]]) words+=('') ;; esac
    word=${words[-1]}
    # bash replaces only what stands behind the last of them.
    kept=${word%"${word##*["${COMP_WORDBREAKS//[^:=]/}"]}"}
    COMPREPLY=()
    # Ordinary users of Debian do not have the folder of the program in their path.
    while IFS=$'\t' read -r line _; do
        if [ "$line" = :files ]; then
            compopt -o filenames
            # The name of the option, if its value is in the same word.
            name=${word%"${word#--*=}"}
            while read -r line; do
                line=$name$line
                COMPREPLY+=("${line#"$kept"}")
            done < <(compgen -f -- "${word#"$name"}")
            return
        fi
        COMPREPLY+=("${line#"$kept"}")
    done < <(PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin ipvsadm --complete "${words[@]}" 2>/dev/null)
}
complete -F _ipvsadm ipvsadm ipvsadm-save ipvsadm-restore
