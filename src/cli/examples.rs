//! An example of each command, for its help.

use super::options::Verb;

/// Returns command lines that use the command, and what they do.
pub(super) fn examples(verb: Verb) -> &'static str {
    match verb {
        Verb::AddService => {
            "ipvsadm -A -t 192.0.2.1:80 -s wrr
ipvsadm -A -t [2001:db8::1]:443 -s wlc -p 600   # clients keep their server for 600 s"
        }
        Verb::EditService => {
            "ipvsadm -E -t 192.0.2.1:80 -s sh -b sh-port   # what is not named becomes the default
ipvsadm -E -t 192.0.2.1:80 --keep -s sh       # what is not named stays"
        }
        Verb::DeleteService => "ipvsadm -D -t 192.0.2.1:80",
        Verb::Clear => {
            "ipvsadm -C
ipvsadm -C --vip 10.96.0.0/12 --dry-run   # show what would be deleted"
        }
        Verb::Restore => {
            "ipvsadm -R --check FILE               # only read it
ipvsadm -R --replace --dry-run FILE   # show what would be done
ipvsadm -R --replace FILE             # make the table what the file says"
        }
        Verb::Save => "ipvsadm -S -n --full --output FILE",
        Verb::AddServer => "ipvsadm -a -t 192.0.2.1:80 -r 10.0.0.11:8080 -m -w 2",
        Verb::EditServer => "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11:8080 --keep -w 5   # the weight alone",
        Verb::DeleteServer => "ipvsadm -d -t 192.0.2.1:80 -r 10.0.0.11:8080   # its connections end at once",
        Verb::List => {
            "ipvsadm -L -n
ipvsadm -L -n -t 192.0.2.1:80 --stats
ipvsadm -L --table --watch
ipvsadm -L --json
ipvsadm -L -n -c --no-templates --count-by client --top 10
ipvsadm -L -n --netns blue"
        }
        Verb::Zero => "ipvsadm -Z -t 192.0.2.1:80",
        Verb::SetTimeouts => "ipvsadm --set 900 120 300",
        Verb::StartDaemon => "ipvsadm --start-daemon master --mcast-interface eth0",
        Verb::StopDaemon => "ipvsadm --stop-daemon master",
        Verb::Doctor => {
            "ipvsadm --doctor                                    # on a director
ipvsadm --doctor --as-real-server -t 192.0.2.1:80   # on a server with direct routing or a tunnel"
        }
        Verb::Drain => {
            "ipvsadm --drain -r 10.0.0.11 --wait 600   # in all services, until no connection is left
ipvsadm --drain -r 10.0.0.11:8080 -t 192.0.2.1:80 --reason update"
        }
        Verb::Undrain => {
            "ipvsadm --undrain -r 10.0.0.11        # the weights from before
ipvsadm --undrain -r 10.0.0.11 -w 3   # another one"
        }
        Verb::FollowLoad => {
            "ipvsadm --follow-load --agent 9777                  # all services, until ^C
ipvsadm --follow-load -t 192.0.2.1:80 --agent 9777 --interval 2 --on-silence drain
ipvsadm --follow-load --exec /usr/local/lib/server-load"
        }
        Verb::NetnsList => "ipvsadm --netns-list",
        Verb::Help => "ipvsadm -h -A",
        Verb::Version => "ipvsadm -v",
    }
}
