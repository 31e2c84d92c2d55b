/* What the journal hears of sessions (base/events.h). A server's are worth a line to everybody; those of a
 * client that only dials are not, it has a person to tell. */
#pragma once

#include "transport/peer-session.h"

G_BEGIN_DECLS

void transport_journal_opened (const MuxSession *session);
void transport_journal_away (const MuxSession *session, const GError *error);
void transport_journal_back (const MuxSession *session);
/* @error NULL: on purpose. */
void transport_journal_closed (const MuxSession *session, const GError *error);
/* Who dialled does not get in. Anybody can cause it, so of many only some are said, and how many were not. */
void transport_journal_refused (const MuxSession *session, const char *why);

G_END_DECLS
