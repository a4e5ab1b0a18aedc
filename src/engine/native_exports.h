/*
 * What a native function may call: the one table, sorted by name as strcmp()
 * sorts. A list of names to whoever includes it with GIVEN and OWN defined; no
 * guard, since it is included for names and for addresses.
 *
 *   GIVEN(name)        the program's function of that name as it is. It makes
 *                      no system call, takes no memory and writes nothing but
 *                      its arguments and thread-locals: with the rights of an
 *                      isolate anything else would fault
 *   OWN(name, symbol)  a version of ours, since the library's does
 *
 * Not here, and so refused: files, streams, locales, time zones, threads,
 * environment, signals, wide characters, long double.
 */
GIVEN(__ctype_b_loc) GIVEN(__ctype_tolower_loc) GIVEN(__ctype_toupper_loc)
GIVEN(__errno_location) GIVEN(__finite) GIVEN(__finitef) GIVEN(__fpclassify)
GIVEN(__fpclassifyf) GIVEN(__isinf) GIVEN(__isinff) GIVEN(__isnan)
GIVEN(__isnanf) GIVEN(__longjmp_chk) GIVEN(__signbit) GIVEN(__signbitf)
GIVEN(_longjmp) GIVEN(_setjmp) GIVEN(abs) GIVEN(acos) GIVEN(acosf) GIVEN(acosh)
GIVEN(acoshf) OWN(aligned_alloc, native_aligned_alloc) GIVEN(asin) GIVEN(asinf)
GIVEN(asinh) GIVEN(asinhf) OWN(asprintf, native_asprintf) GIVEN(atan)
GIVEN(atan2) GIVEN(atan2f) GIVEN(atanf) GIVEN(atanh) GIVEN(atanhf) GIVEN(atof)
GIVEN(atoi) GIVEN(atol) GIVEN(atoll) GIVEN(bcmp) GIVEN(bcopy) GIVEN(bsearch)
GIVEN(bzero) OWN(calloc, native_calloc) GIVEN(cbrt) GIVEN(cbrtf) GIVEN(ceil)
GIVEN(ceilf) GIVEN(copysign) GIVEN(copysignf) GIVEN(cos) GIVEN(cosf) GIVEN(cosh)
GIVEN(coshf) GIVEN(div) GIVEN(erf) GIVEN(erfc) GIVEN(erfcf) GIVEN(erff)
GIVEN(exp) GIVEN(exp10) GIVEN(exp10f) GIVEN(exp2) GIVEN(exp2f) GIVEN(expf)
GIVEN(explicit_bzero) GIVEN(expm1) GIVEN(expm1f) GIVEN(fabs) GIVEN(fabsf)
GIVEN(fdim) GIVEN(fdimf) GIVEN(feclearexcept) GIVEN(fegetenv) GIVEN(fegetround)
GIVEN(feholdexcept) GIVEN(feraiseexcept) GIVEN(fesetenv) GIVEN(fesetround)
GIVEN(fetestexcept) GIVEN(feupdateenv) GIVEN(ffs) GIVEN(ffsl) GIVEN(ffsll)
GIVEN(finite) GIVEN(finitef) GIVEN(floor) GIVEN(floorf) GIVEN(fma) GIVEN(fmaf)
GIVEN(fmax) GIVEN(fmaxf) GIVEN(fmin) GIVEN(fminf) GIVEN(fmod) GIVEN(fmodf)
OWN(free, native_free) GIVEN(frexp) GIVEN(frexpf) GIVEN(gv_alloc) GIVEN(gv_fail)
GIVEN(gv_free) GIVEN(gv_log) GIVEN(gv_logf) GIVEN(gv_random) GIVEN(gv_realloc)
GIVEN(gv_time) GIVEN(hypot) GIVEN(hypotf) GIVEN(ilogb) GIVEN(ilogbf)
GIVEN(index) GIVEN(isalnum) GIVEN(isalpha) GIVEN(isblank) GIVEN(iscntrl)
GIVEN(isdigit) GIVEN(isgraph) GIVEN(isinf) GIVEN(isinff) GIVEN(islower)
GIVEN(isnan) GIVEN(isnanf) GIVEN(isprint) GIVEN(ispunct) GIVEN(isspace)
GIVEN(isupper) GIVEN(isxdigit) GIVEN(j0) GIVEN(j0f) GIVEN(j1) GIVEN(j1f)
GIVEN(jn) GIVEN(jnf) GIVEN(labs) GIVEN(ldexp) GIVEN(ldexpf) GIVEN(ldiv)
GIVEN(lgamma_r) GIVEN(lgammaf_r) GIVEN(llabs) GIVEN(lldiv) GIVEN(llrint)
GIVEN(llrintf) GIVEN(llround) GIVEN(llroundf) GIVEN(log) GIVEN(log10)
GIVEN(log10f) GIVEN(log1p) GIVEN(log1pf) GIVEN(log2) GIVEN(log2f) GIVEN(logb)
GIVEN(logbf) GIVEN(logf) GIVEN(longjmp) GIVEN(lrint) GIVEN(lrintf) GIVEN(lround)
GIVEN(lroundf) OWN(malloc, native_malloc) OWN(memalign, native_aligned_alloc)
GIVEN(memccpy) GIVEN(memchr) GIVEN(memcmp) GIVEN(memcpy) GIVEN(memmem)
GIVEN(memmove) GIVEN(mempcpy) GIVEN(memrchr) GIVEN(memset) GIVEN(modf)
GIVEN(modff) GIVEN(nan) GIVEN(nanf) GIVEN(nearbyint) GIVEN(nearbyintf)
GIVEN(nextafter) GIVEN(nextafterf) GIVEN(nexttoward) GIVEN(nexttowardf)
OWN(posix_memalign, native_posix_memalign) GIVEN(pow) GIVEN(powf)
GIVEN(rawmemchr) OWN(realloc, native_realloc)
OWN(reallocarray, native_reallocarray) GIVEN(remainder) GIVEN(remainderf)
GIVEN(remquo) GIVEN(remquof) GIVEN(rindex) GIVEN(rint) GIVEN(rintf) GIVEN(round)
GIVEN(roundeven) GIVEN(roundevenf) GIVEN(roundf) GIVEN(scalbln) GIVEN(scalblnf)
GIVEN(scalbn) GIVEN(scalbnf) GIVEN(sin) GIVEN(sincos) GIVEN(sincosf) GIVEN(sinf)
GIVEN(sinh) GIVEN(sinhf) OWN(snprintf, native_snprintf)
OWN(sprintf, native_sprintf) GIVEN(sqrt) GIVEN(sqrtf) GIVEN(stpcpy)
GIVEN(stpncpy) GIVEN(strcasecmp) GIVEN(strcasestr) GIVEN(strcat) GIVEN(strchr)
GIVEN(strchrnul) GIVEN(strcmp) GIVEN(strcpy) GIVEN(strcspn) GIVEN(strlen)
GIVEN(strncasecmp) GIVEN(strncat) GIVEN(strncmp) GIVEN(strncpy) GIVEN(strnlen)
GIVEN(strpbrk) GIVEN(strrchr) GIVEN(strsep) GIVEN(strspn) GIVEN(strstr)
GIVEN(strtod) GIVEN(strtof) GIVEN(strtoimax) GIVEN(strtok_r) GIVEN(strtol)
GIVEN(strtoll) GIVEN(strtoul) GIVEN(strtoull) GIVEN(strtoumax) GIVEN(tan)
GIVEN(tanf) GIVEN(tanh) GIVEN(tanhf) GIVEN(tgamma) GIVEN(tgammaf) GIVEN(tolower)
GIVEN(toupper) GIVEN(trunc) GIVEN(truncf) OWN(vasprintf, native_vasprintf)
OWN(vsnprintf, native_vsnprintf) OWN(vsprintf, native_vsprintf) GIVEN(y0)
GIVEN(y0f) GIVEN(y1) GIVEN(y1f) GIVEN(yn) GIVEN(ynf)
