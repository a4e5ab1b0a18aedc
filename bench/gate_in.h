#pragma once
/* What bench/gate runs inside its isolate. */
#include "engine/inside.h"

void gate_bench_in(struct inside *in);
