#!/usr/bin/env python3
"""Fits the polynomials of codegen/math (needs the Python package mpmath).

Each entry of FITS is one coefficient table of the C++ sources: a function g, an
interval, a degree, a weight, and the format the coefficients are rounded to.
Coefficients are rounded one at a time from the lowest, refitting those that are
left, so that the rounding of one is absorbed by the next. Prints a C++ table
and the largest weighted error, as a power of two.

  fit-math.py            every table
  fit-math.py NAME ...   those tables
"""
import sys

from mpmath import asin, atan, cos, cosh, erf, erfc, exp, expm1, log, log1p
from mpmath import lu_solve, matrix, mp, mpf, pi, sin, sinh, sqrt, tanh

mp.dps = 60
VERBOSE = False


def horner(c, t):
    r = mpf(0)
    for a in reversed(c):
        r = r * t + a
    return r


def fit(g, lo, hi, degree, weight):
    """Remez exchange: coefficients c minimising max |weight * (g - p)|."""
    n = degree + 2
    lo, hi = mpf(lo), mpf(hi)
    mid, half = (lo + hi) / 2, (hi - lo) / 2
    points = [mid - half * mp.cos(pi * (i + mpf(1) / 2) / n) for i in range(n)]
    samples = 24 * n
    grid = [mid - half * mp.cos(pi * (i + mpf(1) / 2) / samples)
            for i in range(samples)]
    values = [(abs(weight(t)), g(t)) for t in grid]
    best, best_c = None, None
    for _ in range(30):
        a = matrix(n, n)
        rhs = matrix(n, 1)
        for i, t in enumerate(points):
            w = abs(weight(t))
            for j in range(degree + 1):
                a[i, j] = w * t**j
            a[i, degree + 1] = (-1)**i
            rhs[i] = w * g(t)
        solution = lu_solve(a, rhs)
        c = [solution[j] for j in range(degree + 1)]
        error = [w * (v - horner(c, t)) for t, (w, v) in zip(grid, values)]
        top = max(abs(e) for e in error)
        if best is None or top < best:
            best, best_c = top, c
        # One extremum from each run of equal sign.
        runs = []
        for t, e in zip(grid, error):
            if runs and (e > 0) == (runs[-1][1] > 0):
                if abs(e) > abs(runs[-1][1]):
                    runs[-1] = (t, e)
            else:
                runs.append((t, e))
        while len(runs) > n:
            drop_smallest(runs, n)
        if len(runs) < n:
            break
        points = [t for t, _ in runs]
        if min(abs(e) for _, e in runs) > max(abs(e) for _, e in runs) * 0.98:
            break
    return best_c


def drop_smallest(runs, n):
    """Drops the least extremum, keeping the signs alternating."""
    if len(runs) == n + 1:
        runs.pop(0 if abs(runs[0][1]) < abs(runs[-1][1]) else -1)
        return
    i = min(range(len(runs) - 1),
            key=lambda k: max(abs(runs[k][1]), abs(runs[k + 1][1])))
    del runs[i:i + 2]


def rounded(x, form):
    """x rounded to nearest in 'f' (f32) or 'd' (f64)."""
    with mp.workprec(24 if form == 'f' else 53):
        return +x


def fit_rounded(g, lo, hi, degree, weight, form):
    """As fit, with rounded coefficients, and the largest weighted error."""
    done = []
    if VERBOSE:
        c = fit(g, lo, hi, degree, weight)
        print('unrounded', measure(g, c, lo, hi, weight))
    while len(done) <= degree:
        k = len(done)
        c = fit(lambda t: (g(t) - horner(done, t)) / t**k if k else g(t),
                lo, hi, degree - k, lambda t: weight(t) * t**k)
        done.append(rounded(c[0], form))
    return done, measure(g, done, lo, hi, weight)


def measure(g, c, lo, hi, weight):
    """The largest weighted error, as a power of two."""
    grid = [mpf(lo) + (mpf(hi) - mpf(lo)) * (i + mpf(1) / 2) / 2000
            for i in range(2000)]
    top = max(abs(weight(t) * (g(t) - horner(c, t))) for t in grid)
    return f'2^{float(log(top, 2)):.1f}'


half_ln2 = log(2) / 2
quarter_pi2 = (pi / 4)**2 * mpf('1.0001')
log_max = (sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)


def exp_tail(t):
    """(exp(t) - 1 - t) / t^2"""
    return (expm1(t) - t) / t**2


def exp_weight(t):
    return t * t / exp(t)


def log1p_tail(t):
    return (log1p(t) - t) / t**2


def log_tail(z):
    """(log((1+s)/(1-s)) - 2s) / s, over z = s^2"""
    s = sqrt(z)
    return (log((1 + s) / (1 - s)) - 2 * s) / (s * z)


def odd_tail(f):
    """(f(s) - s) / s^3, over z = s^2"""
    return lambda z: (f(sqrt(z)) - sqrt(z)) / (sqrt(z) * z)


def odd_weight(f):
    return lambda z: z * sqrt(z) / f(sqrt(z))


def cos_tail(z):
    return (cos(sqrt(z)) - 1 + z / 2) / z**2


def erf_tail(z):
    return erf(sqrt(z)) / sqrt(z) - 1


def erf_weight(z):
    return sqrt(z) / erf(sqrt(z))


ERFC_CENTRE = 4


def scaled(a):
    return (mpf(a) - ERFC_CENTRE) / (mpf(a) + ERFC_CENTRE)


def scaled_erfc(q):
    """exp(a^2) erfc(a) (1 + 2a), over q = (a - 4) / (a + 4)"""
    a = ERFC_CENTRE * (1 + q) / (1 - q)
    return exp(a * a) * erfc(a) * (1 + 2 * a)


def odd(f, hi, degree, form):
    return odd_tail(f), 0, hi, degree, odd_weight(f), form


# name: (function, from, to, degree, weight, format)
FITS = {
    'expF32': (exp_tail, -half_ln2, half_ln2, 4, exp_weight, 'f'),
    'exp2F32': (lambda t: expm1(t * log(2)) / t, mpf(-1) / 2, mpf(1) / 2, 5,
                lambda t: t / exp(t * log(2)), 'f'),
    'expF64': (exp_tail, -half_ln2, half_ln2, 9, exp_weight, 'd'),
    'expSingle': (exp_tail, -half_ln2, half_ln2, 5, exp_weight, 'd'),
    'logF32': (log1p_tail, -mpf(1) / 3, mpf(1) / 3, 8,
               lambda t: t * t / log1p(t), 'f'),
    'log1pF32': (log1p_tail, mpf(-1) / 4, mpf(1) / 2, 9,
                 lambda t: t * t / log1p(t), 'f'),
    'expm1F32': (exp_tail, -half_ln2, half_ln2, 5,
                 lambda t: t * t / expm1(t), 'f'),
    'logF64': (log_tail, 0, log_max**2, 6, lambda z: z, 'd'),
    'logSingle': (log_tail, 0, log_max**2, 4, lambda z: z, 'd'),
    'powF64': (lambda z: (log_tail(z) - mpf(2) / 3) / z, 0, log_max**2, 7,
               lambda z: z * z, 'd'),
    'cbrtF64': (lambda m: 1 / mp.cbrt(m), 1, 8, 4, lambda m: mp.cbrt(m), 'd'),
    'tanhF32': odd(tanh, mpf('1.0625')**2, 7, 'f'),
    'sinhF64': odd(sinh, 1, 7, 'd'),
    'sinF64': odd(sin, quarter_pi2, 6, 'd'),
    'sinSingle': odd(sin, quarter_pi2, 3, 'd'),
    'cosF64': (cos_tail, 0, quarter_pi2, 5, lambda z: z * z, 'd'),
    'cosSingle': (cos_tail, 0, quarter_pi2, 3, lambda z: z * z, 'd'),
    'atanF64': odd(atan, 1, 20, 'd'),
    'atanSingle': odd(atan, 1, 11, 'd'),
    'asinF64': odd(asin, mpf(1) / 4, 11, 'd'),
    'asinSingle': odd(asin, mpf(1) / 4, 6, 'd'),
    'erfF32': (erf_tail, 0, mpf('0.96875')**2, 6, erf_weight, 'f'),
    'erfTailF32': (lambda t: -log(erfc(t)) / t - 1, mpf('0.9'), mpf('4'), 7,
                   lambda t: t * erfc(t), 'f'),
    'erfcF64': (scaled_erfc, scaled(mpf('0.5')), scaled(28), 22,
                lambda q: 1 / scaled_erfc(q), 'd'),
    'erfcSingle': (scaled_erfc, scaled(mpf('0.5')), scaled(11), 11,
                   lambda q: 1 / scaled_erfc(q), 'd'),
    'erfF64': (erf_tail, 0, 1, 12, erf_weight, 'd'),
}


def main():
    for name in sys.argv[1:] or FITS:
        g, lo, hi, degree, weight, form = FITS[name]
        c, top = fit_rounded(g, lo, hi, degree, weight, form)
        print(f'// {name}: degree {degree}, error {top}')
        print(f'{name}[] = {{' + ', '.join(float(a).hex() for a in c) + '};',
              flush=True)


if __name__ == '__main__':
    main()
