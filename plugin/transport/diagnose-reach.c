/* What an answer by UDP means, or none. */
#include "transport/diagnose-private.h"

#include <glib/gi18n-lib.h>

/* The rules that let a port in, as people of the usual firewalls write them. */
static char *
let_in (guint16 port)
{
  return g_strdup_printf (
      _("on that machine, and in every firewall before it, let UDP port %u in: sudo ufw allow %u/udp, or "
         "sudo firewall-cmd --permanent --add-port=%u/udp && sudo firewall-cmd --reload, or "
         "sudo nft add rule inet filter input udp dport %u accept"),
      port, port, port, port);
}

static void
judge_answer (TransportDiagnosis *findings, const char *address, const NetProbeResult *result,
              gboolean speaks_v1)
{
  if (speaks_v1)
    transport_diagnosis_add (findings, "reach", TRANSPORT_FINDING_OK, NULL,
                             _("%s answers by QUIC after %.1f ms"), address,
                             (double)result->round_trip / 1e6);
  else
    transport_diagnosis_add (
        findings, "reach", TRANSPORT_FINDING_ERROR,
        _("look whether the port is the right one: mux-quic status on that machine says it"),
        _("%s speaks QUIC, but not version 1: that is no mux-quic"), address);
}

static void
judge_prohibition (TransportDiagnosis *findings, TransportFindingLevel level, const char *text,
                   const NetAddress *address, const NetProbeResult *result)
{
  guint16 port = net_address_port (address);
  g_autofree char *remedy = NULL;
  g_autofree char *reporter = NULL;
  NetAddress plain = result->reporter;

  if (net_address_family (&plain) == AF_UNSPEC)
    {
      remedy = g_strdup_printf (_("let it out: sudo nft add rule inet filter output udp dport %u accept, or "
                                   "sudo ufw allow out %u/udp"),
                                port, port);
      transport_diagnosis_add (findings, "reach", level, remedy,
                               _("a firewall of this machine lets no UDP out to %s"), text);
      return;
    }
  /* A router has no port; the address is printed as if it were one. */
  net_address_set_port (&plain, port);
  reporter = net_address_to_string (&plain);
  remedy = let_in (port);
  transport_diagnosis_add (findings, "reach", level, remedy,
                           net_address_same_host (&plain, address)
                               ? _("the firewall of %s lets no UDP in")
                               : _("a firewall on the way to %s, at %s, lets no UDP through"),
                           text, reporter);
}

static void
judge_silence (TransportDiagnosis *findings, TransportFindingLevel level, const char *text, guint16 port,
               gboolean has_relay)
{
  g_autofree char *remedy = let_in (port);

  transport_diagnosis_add (
      findings, "reach", level, remedy,
      has_relay ? _("%s does not answer by UDP: a firewall drops it, or no machine is there; until that is "
                     "mended, connections go over ssh")
                : _("%s does not answer by UDP: a firewall drops it, or no machine is there"),
      text);
}

void
transport_judge_reach (TransportDiagnosis *findings, const NetAddress *address, const NetProbeResult *result,
                       gboolean speaks_v1, gboolean alone, gboolean has_relay)
{
  TransportFindingLevel level = alone ? TRANSPORT_FINDING_ERROR : TRANSPORT_FINDING_WARNING;
  g_autofree char *text = net_address_to_string (address);

  switch (result->outcome)
    {
    case NET_PROBE_ANSWERED:
      judge_answer (findings, text, result, speaks_v1);
      break;
    case NET_PROBE_REFUSED:
      transport_diagnosis_add (findings, "reach", level,
                               _("start the host there: mux-quic serve; where one runs, mux-quic status on "
                                  "that machine says its port"),
                               _("%s is there, but nobody listens on that UDP port"), text);
      break;
    case NET_PROBE_FORBIDDEN:
      judge_prohibition (findings, level, text, address, result);
      break;
    case NET_PROBE_UNREACHABLE:
      transport_diagnosis_add (findings, "reach", level,
                               _("look at this machine's network: ip address; ip route"),
                               _("there is no way to %s from here: %s"), text, g_strerror (result->error));
      break;
    case NET_PROBE_TOO_LARGE:
      transport_diagnosis_add (
          findings, "mtu", level,
          _("raise the MTU of that link or tunnel to 1280 or more: "
             "sudo ip link set dev DEVICE mtu 1280"),
          _("a link on the way to %s takes %u bytes at a time, and QUIC needs datagrams of 1200"), text,
          result->mtu);
      break;
    case NET_PROBE_SILENT:
      judge_silence (findings, level, text, net_address_port (address), has_relay);
      break;
    }
}

void
transport_judge_mtu (TransportDiagnosis *findings, const NetAddress *address, const NetProbeResult *result,
                     gsize size)
{
  g_autofree char *text = net_address_to_string (address);

  if (result->outcome == NET_PROBE_ANSWERED)
    transport_diagnosis_add (findings, "mtu", TRANSPORT_FINDING_OK, NULL,
                             _("datagrams of 1200 and %zu bytes get to %s"), size, text);
  else if (result->outcome == NET_PROBE_TOO_LARGE)
    transport_diagnosis_add (
        findings, "mtu", TRANSPORT_FINDING_NOTE,
        _("nothing has to be done: mux-quic finds the size that goes; an MTU of 1500 is faster"),
        _("a link on the way to %s takes %u bytes at a time"), text, result->mtu);
  else
    transport_diagnosis_add (findings, "mtu", TRANSPORT_FINDING_NOTE,
                             _("nothing has to be done: mux-quic finds the size that goes; let ICMP "
                                "through, and set the MTU of a "
                                "tunnel on the way right"),
                             _("datagrams of %zu bytes do not get to %s, and nobody says why"), size, text);
}
