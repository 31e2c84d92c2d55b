#include "base/log.h"

gboolean
base_log_gate (BaseLogGate *gate, guint64 now, guint burst, guint64 interval)
{
  /* Nothing in the window: it has not begun yet. */
  if (gate->in_window == 0 || now >= gate->window_start + interval)
    {
      gate->window_start = now;
      gate->in_window = 0;
    }
  if (gate->let_through)
    gate->suppressed = 0;
  gate->let_through = gate->in_window < burst;
  if (gate->let_through)
    gate->in_window++;
  else
    gate->suppressed++;
  return gate->let_through;
}
