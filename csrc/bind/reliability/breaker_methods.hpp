#pragma once

#include "bind/reliability/breaker_type.hpp"

namespace atalanta::bind {

// For the type's slot.
extern PyMethodDef g_breaker_methods[];

}  // namespace atalanta::bind
