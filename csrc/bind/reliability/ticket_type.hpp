// The Python type `Ticket`: a call that a policy let in. It tells the breaker how the call ended, and gives
// its place back when it is closed or dropped. Entry: new_ticket.
#pragma once

#include "bind/reliability/begun.hpp"

namespace atalanta::bind {

PyTypeObject* make_ticket_type();

// Takes over the call's permit and its place. Null with an exception set on failure.
PyObject* new_ticket(PolicyObject* policy, const Begun& begun);

}  // namespace atalanta::bind
