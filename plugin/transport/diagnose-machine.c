/* What the kernel gives: the clock, a UDP socket with its buffers and offloads, the addresses to listen at.
 */
#include "transport/diagnose-private.h"

#include <glib/gi18n-lib.h>
#include <sys/timex.h>

#include "net/udp.h"
#include "transport/listener.h"

void
transport_judge_clock (TransportDiagnosis *findings, gint64 now, gboolean synchronised)
{
  g_autofree char *date = transport_examine_date (now);

  if (synchronised)
    transport_diagnosis_add (findings, "clock", TRANSPORT_FINDING_OK, NULL,
                             _("it is %s by this machine's clock, which is synchronised"), date);
  else
    transport_diagnosis_add (findings, "clock", TRANSPORT_FINDING_NOTE,
                             _("if that is not so, certificates are refused: sudo timedatectl set-ntp true"),
                             _("it is %s by this machine's clock, which nothing synchronises"), date);
}

void
transport_examine_clock (TransportExamination *examination)
{
  struct timex state = { 0 };

  /* Only asks: no mode is set. */
  transport_judge_clock (examination->findings, examination->now,
                         adjtimex (&state) != TIME_ERROR && (state.status & STA_UNSYNC) == 0);
}

void
transport_judge_buffers (TransportDiagnosis *findings, gsize receive, gsize send)
{
  static const struct
  {
    const char *name;
    gsize wanted;
  } kinds[] = { { "rmem_max", NET_UDP_RECEIVE_BUFFER }, { "wmem_max", NET_UDP_SEND_BUFFER } };
  const gsize had[] = { receive, send };
  g_autoptr (GString) lacks = g_string_new (NULL);
  g_autoptr (GString) settings = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (had[i] < kinds[i].wanted)
      {
        g_string_append_printf (lacks, _("%snet.core.%s allows %zu KiB of %zu"), lacks->len > 0 ? ", " : "",
                                kinds[i].name, had[i] / 1024, kinds[i].wanted / 1024);
        g_string_append_printf (settings, " net.core.%s=%zu", kinds[i].name, kinds[i].wanted);
      }
  if (lacks->len > 0)
    {
      g_autofree char *remedy = g_strdup_printf (
          _("run: sudo sysctl -w%s; and write it to /etc/sysctl.d/60-mux-quic.conf to keep it"),
          settings->str);

      transport_diagnosis_add (findings, "buffers", TRANSPORT_FINDING_WARNING, remedy,
                               _("UDP buffers are small, so that bursts are lost on a fast link: %s"),
                               lacks->str);
    }
  else
    transport_diagnosis_add (findings, "buffers", TRANSPORT_FINDING_OK, NULL,
                             _("UDP buffers: %zu KiB to receive, %zu KiB to send"), receive / 1024,
                             send / 1024);
}

void
transport_judge_offload (TransportDiagnosis *findings, gboolean gso, gboolean gro)
{
  if (gso && gro)
    transport_diagnosis_add (findings, "offload", TRANSPORT_FINDING_OK, NULL,
                             _("the kernel sends and receives many datagrams in one call (GSO, GRO)"));
  else
    transport_diagnosis_add (findings, "offload", TRANSPORT_FINDING_NOTE,
                             _("Linux 4.18 and later can GSO, 5.0 and later GRO"),
                             _("the kernel lacks %s for UDP: fast links cost more processor time"),
                             gso   ? "GRO"
                             : gro ? "GSO"
                                   : "GSO, GRO");
}

void
transport_examine_socket (TransportExamination *examination)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NetUdp) udp = NULL;
  NetAddress address;
  gsize receive, send;

  net_address_from_numeric (&address, "127.0.0.1", 0);
  udp = net_udp_open (&address, NET_UDP_DEFAULT, &error);
  if (udp == NULL)
    {
      transport_diagnosis_add_error (
          examination->findings, "buffers", TRANSPORT_FINDING_ERROR, error,
          _("see what takes UDP sockets away here: a container's policy, seccomp, the limit of files"));
      return;
    }
  net_udp_buffers (udp, &receive, &send);
  transport_judge_buffers (examination->findings, receive, send);
  transport_judge_offload (examination->findings, net_udp_has_gso (udp), net_udp_has_gro (udp));
}

void
transport_examine_listen (TransportExamination *examination)
{
  MuxTransport *transport = examination->transport;

  /* Its own host has them, or systemd for it. Who asks about a target need not serve. */
  for (guint i = 0; !examination->taken && examination->target == NULL
                    && i < config_settings_n_servers (transport->settings);
       i++)
    {
      const ConfigServer *server = config_settings_server (transport->settings, i);
      g_autoptr (GError) error = NULL;
      TransportListener *listener = transport_listener_bind (transport, transport->settings, server, &error);

      if (listener == NULL)
        transport_diagnosis_add_error (examination->findings, "listen", TRANSPORT_FINDING_ERROR, error,
                                       _("see who has which UDP port: sudo ss -ulpn"));
      else
        transport_diagnosis_add (examination->findings, "listen", TRANSPORT_FINDING_OK, NULL,
                                 _("a host can listen on %s"), server->bind_address);
      g_clear_pointer (&listener, transport_listener_free);
    }
}
