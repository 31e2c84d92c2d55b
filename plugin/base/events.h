/* What somebody searches the journal for: each event has a number that never changes, as MESSAGE_ID of its message, and fields that
 * never change their names. `journalctl MESSAGE_ID=…`, `journalctl GLIB_DOMAIN=mux-quic MUX_USER=alice -o json`; explained to people by
 * data/systemd/mux-quic.catalog (`journalctl -x`), which a test compares with this table.
 *
 *  event                 when                                                          fields, beside MUX_ROOM
 *  LISTENER_OPENED       a UDP socket is served                                        LISTENER, BIND
 *  LISTENER_CLOSED       … no more                                                     LISTENER, BIND
 *  SESSION_OPENED        both sides proved themselves                                  of a session (below)
 *  SESSION_AWAY          it lost its connection, and waits                             …, REASON
 *  SESSION_BACK          it goes on over another                                       …
 *  SESSION_CLOSED        it is over                                                    …, REASON ("" = on purpose)
 *  PEER_REFUSED          who dialled does not get in                                   PEER, REASON; USER, DEVICE, SERIAL where known
 *  CERTIFICATE_ISSUED    a client enrolled                                             SERIAL, USER, DEVICE
 *  CERTIFICATE_RENEWED   a client's, over its session; or the host's own               SERIAL, RENEWS; USER, DEVICE, PEER or BIND
 *  CERTIFICATE_REVOKED   by a person                                                   SERIAL
 *  CERTIFICATE_TROUBLE   one cannot be renewed; it is tried again                      REASON; TARGET if it is one of a client here
 *  AUTHORITY_ROTATED     a new CA, or the old one is trusted no more                   SERIAL (of the one in force)
 *  CONFIGURATION_READ    again, and it is in force                                     CONFIG
 *
 * A session's fields: SESSION, DIRECTION (in, out), USER, DEVICE, SERIAL, PEER, TARGET. In the journal each name has MUX_ before it,
 * and a field that is not known is empty. Nothing secret is a field. */
#pragma once

#define BASE_EVENT_LISTENER_OPENED "fd43bdc76f834e2bb93e4c206045ac70"
#define BASE_EVENT_LISTENER_CLOSED "0e559e1791fa41d88ff26f40c354866b"
#define BASE_EVENT_SESSION_OPENED "db1f6d8fbb3042dd88ba127c76fffc41"
#define BASE_EVENT_SESSION_AWAY "839cb2a607e84c59ae64c9040c411c66"
#define BASE_EVENT_SESSION_BACK "425985aea0914a80b2212c49abc26ac4"
#define BASE_EVENT_SESSION_CLOSED "fd0b424139ed452dbf3db270e8e83e5a"
#define BASE_EVENT_PEER_REFUSED "1aebc489ade549618df93d14b6c9030d"
#define BASE_EVENT_CERTIFICATE_ISSUED "97c1a1e0d1b741b58f798caba46d9ae7"
#define BASE_EVENT_CERTIFICATE_RENEWED "a1803935cc7944bba8dccbd0e32bca95"
#define BASE_EVENT_CERTIFICATE_REVOKED "5c4cdf49aee84db7b8b6206012395274"
#define BASE_EVENT_CERTIFICATE_TROUBLE "cefe1f95e55f47bd9ec74011cdf97b7a"
#define BASE_EVENT_AUTHORITY_ROTATED "6a1922f2a6974bac9559c7bd903e9260"
#define BASE_EVENT_CONFIGURATION_READ "c68a86f0879d424a90a62f68e9266612"
