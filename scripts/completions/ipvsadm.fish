complete -c ipvsadm -l start-daemon -d 'start the sync daemon master or backup' -r
complete -c ipvsadm -l stop-daemon -d 'stop the sync daemon master or backup' -r
complete -c ipvsadm -s t -l tcp-service -d 'a TCP service' -r
complete -c ipvsadm -s u -l udp-service -d 'a UDP service' -r
complete -c ipvsadm -l sctp-service -d 'an SCTP service' -r
complete -c ipvsadm -s f -l fwmark-service -d 'a service for packets with a firewall mark' -r
complete -c ipvsadm -s s -l scheduler -d 'rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh ... (default wlc)' -r
complete -c ipvsadm -s b -l sched-flags -d 'sh-fallback,sh-port for sh; mh-fallback,mh-port for mh; flag-1,flag-2,flag-3' -r
complete -c ipvsadm -s p -l persistent -d 'keep a client on its server for this time (default 360)' -r
complete -c ipvsadm -s M -l netmask -d 'clients are the same if they are under this mask; for IPv6 the length of the prefix' -r
complete -c ipvsadm -l pe -d 'persistence engine, such as sip' -r
complete -c ipvsadm -s r -l real-server -d 'the real server (default port: the service\'s)' -r
complete -c ipvsadm -l tun-type -d 'ipip, gue or gre (default ipip)' -r
complete -c ipvsadm -l tun-port -d 'UDP port of a gue tunnel' -r
complete -c ipvsadm -s w -l weight -d 'share of new connections, 0 for none (default 1)' -r
complete -c ipvsadm -s x -l u-threshold -d 'no new connections above this number (default 0: no limit)' -r
complete -c ipvsadm -s y -l l-threshold -d 'new connections again below this number (default 0: 3/4 of -x)' -r
complete -c ipvsadm -l columns -d 'columns of --table, separated by commas; "help" explains them' -r
complete -c ipvsadm -l color -d 'colours in --table: auto, always or never (default auto)' -r
complete -c ipvsadm -l sum-by -d 'sum --metrics over servers (service), over services (server), or not (none, the default)' -r
complete -c ipvsadm -l watch -d 'show the table again and again (default 2); q ends it' -r
complete -c ipvsadm -l by -d 'order of --watch: name (default), active, cps, in or out' -r
complete -c ipvsadm -l times -d 'end --watch after showing the table this often' -r
complete -c ipvsadm -l syncid -d 'number of the sync daemon, 0 to 255 (default 0)' -r
complete -c ipvsadm -l sync-maxlen -d 'longest sync message' -r
complete -c ipvsadm -l mcast-interface -d 'interface for sync messages (default eth0)' -r
complete -c ipvsadm -l mcast-group -d 'multicast group for sync messages (default 224.0.0.81)' -r
complete -c ipvsadm -l mcast-port -d 'port for sync messages (default 8848)' -r
complete -c ipvsadm -l mcast-ttl -d 'time to live of sync messages (default 1)' -r
complete -c ipvsadm -l lock-wait -d 'wait for another ipvsadm that restores (default 60)' -r
complete -c ipvsadm -l output -d 'save into a file (also -o FILE), which is replaced as a whole or not at all' -r
complete -c ipvsadm -s A -l add-service -d 'add a virtual service'
complete -c ipvsadm -s E -l edit-service -d 'replace the settings of a virtual service'
complete -c ipvsadm -s D -l delete-service -d 'delete a virtual service with its servers'
complete -c ipvsadm -s C -l clear -d 'delete every virtual service'
complete -c ipvsadm -s R -l restore -d 'run the commands in a file or on standard input, one a line'
complete -c ipvsadm -s S -l save -d 'print the table as commands that -R reads'
complete -c ipvsadm -s a -l add-server -d 'add a real server to a virtual service'
complete -c ipvsadm -s e -l edit-server -d 'replace the settings of a real server'
complete -c ipvsadm -s d -l delete-server -d 'remove a real server from a virtual service'
complete -c ipvsadm -s L -s l -l list -d 'show the table, one service or something else; the default'
complete -c ipvsadm -s Z -l zero -d 'set the counters of one service or of all to 0'
complete -c ipvsadm -l set -d 'set the timeouts of idle connections: TCP TCPFIN UDP, in seconds, 0 to leave one'
complete -c ipvsadm -l doctor -d 'say what is wrong with this director or real server, and how to mend it'
complete -c ipvsadm -s h -l help -d 'show this help'
complete -c ipvsadm -s v -l version -d 'show the version'
complete -c ipvsadm -s 6 -l ipv6 -d 'the firewall mark service is for IPv6'
complete -c ipvsadm -s o -l ops -d 'schedule every UDP datagram by itself'
complete -c ipvsadm -s g -l gatewaying -d 'direct routing (default)'
complete -c ipvsadm -s i -l ipip -d 'tunnelling'
complete -c ipvsadm -s m -l masquerading -d 'masquerading (NAT)'
complete -c ipvsadm -l tun-nocsum -d 'tunnel without checksums (default)'
complete -c ipvsadm -l tun-csum -d 'gue or gre tunnel with checksums'
complete -c ipvsadm -l tun-remcsum -d 'gue tunnel with remote checksum offload'
complete -c ipvsadm -s n -l numeric -d 'addresses and ports as numbers, without looking names up'
complete -c ipvsadm -s c -l connection -d 'show the connections'
complete -c ipvsadm -l timeout -d 'show the timeouts of idle connections'
complete -c ipvsadm -l daemon -d 'show the sync daemons'
complete -c ipvsadm -l stats -d 'show connections, packets and bytes so far'
complete -c ipvsadm -l rate -d 'show connections, packets and bytes per second'
complete -c ipvsadm -l thresholds -d 'show the thresholds of servers'
complete -c ipvsadm -l persistent-conn -d 'show clients bound to servers; with -c, what binds them'
complete -c ipvsadm -l tun-info -d 'show how servers are tunnelled to'
complete -c ipvsadm -l exact -d 'show numbers whole instead of with K, M, G'
complete -c ipvsadm -l sort -d 'does nothing: services and servers are sorted anyway'
complete -c ipvsadm -l nosort -d 'show services and servers in the kernel\'s order'
complete -c ipvsadm -l json -d 'a JSON document with everything; with -R, read one as -S prints it'
complete -c ipvsadm -l names -d 'with --json, look names up and add them'
complete -c ipvsadm -l table -d 'show a table for people; with -c, of the connections'
complete -c ipvsadm -l metrics -d 'show counters and settings as Prometheus reads them'
complete -c ipvsadm -l replace -d 'make the table what the input says, by the smallest change, or leave it as it is'
complete -c ipvsadm -l check -d 'only read and check the input'
complete -c ipvsadm -l test -d 'the same as --check'
complete -c ipvsadm -l dry-run -d 'print the commands that --replace would run'
complete -c ipvsadm -l keep-others -d '--replace leaves services alone that the input does not name'
complete -c ipvsadm -l allow-empty -d '--replace may clear the table'
complete -c ipvsadm -l full -d 'save timeouts, sync daemons and the order of servers, too'
complete -c ipvsadm -l as-real-server -d 'examine a real server for direct routing or tunnels, on that machine'
