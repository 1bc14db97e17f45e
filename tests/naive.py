"""Plain-loop twins of what the library computes fast. Nothing here imports barkcluster."""

import cmath
import math

# windows.py


def attack_size(cube, change):
    """Cube root with its sign, in proportion to the cube where the change is larger."""
    return cube / (abs(cube) ** (2 / 3) + change ** 2 + 1e-4)


def texture(frames, length, hop, frame_rate=100.0):
    """Texture of each window, by plain loops: (n_windows, 125)."""
    x = [[max(float(v), -90.0) for v in row] for row in frames]
    step, attack = max(1, round(0.01 * frame_rate)), max(1, round(0.05 * frame_rate))
    n_bands = len(x[0])
    rows = []
    for end in range(hop, len(x) + 1, hop):
        if end < length:
            continue
        row = [[], [], [], [], []]
        for b in range(n_bands):
            levels = [x[t][b] for t in range(end - length, end)]
            mean = sum(levels) / length
            row[0].append(mean)
            variance = sum((v - mean) ** 2 for v in levels) / length
            row[1].append(((variance + 1e-6) ** 0.5 - 1e-3) / 1.9)
            change = quick = slow = 0.0
            for t in range(end - length, end):
                d1 = x[t][b] - x[t - step][b] if t >= step else 0.0
                d5 = x[t][b] - x[t - attack][b] if t >= attack else 0.0
                change += abs(d1)
                quick += min(max(d1, -20.0), 20.0) ** 3
                slow += min(max(d5, -30.0), 30.0) ** 3
            row[2].append(change / length / 0.28)
            row[3].append(attack_size(quick / length, change / length) / 0.67)
            row[4].append(attack_size(slow / length, change / length) / 1.5)
        common = sum(row[0]) / n_bands
        row[0] = [(level - 0.75 * common) / 4.0 for level in row[0]]
        rows.append(sum(row, []))
    return rows


def settled(scores, scales, hop):
    """Scores of each scale as they count for the moment; scores[i][t], nan where not full."""
    short = [i for i, scale in enumerate(scales) if scale < 2.0]
    n = len(scores[0])
    of_surprise, before = max(1, round(0.8 / hop)), max(1, round(1.5 / hop))
    sudden = [sum(scores[i][t] for i in short) / len(short) for t in range(n)]
    sudden = [0.0 if math.isnan(z) else z for z in sudden]

    def newest(t):
        return sudden[max(0, t - of_surprise + 1):t + 1]

    in_surprise = [sum(z > 1.0 for z in newest(t)) >= 0.6 * of_surprise for t in range(n)]
    result = [list(row) for row in scores]
    for i, scale in enumerate(scales):
        if scale < 2.0:
            continue
        within = round((scale - scales[short[-1]]) / hop) + 1
        clean = [not any(in_surprise[max(0, t - within + 1):t + 1]) for t in range(n)]
        for t in range(n):
            last = max((u for u in range(t + 1) if clean[u]), default=-1)
            if not clean[t] and t - last <= round(2 * scale / hop) and last >= before:
                said = scores[i][last - before]
                if not math.isnan(said):
                    result[i][t] = min(scores[i][t], max(said, sum(newest(t)) / of_surprise))
    return result


def breaks(beyond, hop):
    """How strange half seconds are beside those of the sixteen seconds before the last two."""
    averaged, until, lately = (round(seconds / hop) for seconds in (0.5, 2.0, 16.0))
    means = [sum(beyond[t - averaged + 1:t + 1]) / averaged if t >= averaged - 1 else math.inf
             for t in range(len(beyond))]
    result = []
    for t, now in enumerate(means):
        first, last = t - until - lately + 1, t - until
        most = max(means[first:last + 1]) if first >= 0 else math.inf
        result.append(min(2.0 * (now - most) / max(0.5 * abs(most), 0.4) - 1.0, 1.0)
                      if most < math.inf else -math.inf)
    return result


def mixture_nll(rows, weights, means, variances):
    """Negative log-likelihood of rows under Gaussians with diagonal covariances."""
    result = []
    for x in rows:
        density = 0.0
        for weight, mean, variance in zip(weights, means, variances, strict=True):
            p = weight
            for v, m, s in zip(x, mean, variance, strict=True):
                p *= math.exp(-((v - m) ** 2) / (2 * s)) / math.sqrt(2 * math.pi * s)
            density += p
        result.append(-math.log(density))
    return result


# calibration.py


def rank_familiarity(held_out, novelty):
    """Share of held-out novelties at least as strange, this one counted in."""
    return [(1 + sum(h >= s for h in held_out)) / (len(held_out) + 1) for s in novelty]


# scorers


def mean_neighbor_distance(memory, rows, k):
    """Mean Euclidean distance of each row to its k nearest in memory."""
    result = []
    for row in rows:
        distances = sorted(
            math.sqrt(sum((a - b) ** 2 for a, b in zip(row, m, strict=True))) for m in memory)
        result.append(sum(distances[:k]) / k)
    return result


def nearest_prototype_distance(codebook, rows):
    """Distance of each row to the nearest of the codebook."""
    return mean_neighbor_distance(codebook, rows, 1)


# frames.py


BARK_EDGES_HZ = [
    0, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150,
    3700, 4400, 5300, 6400, 7700, 9500, 12000, 15500, 20500]


def bark_frames(sound, sample_rate, frame_rate=100.0):
    """Bark frames of a sound, by Fourier sums written out: (n_frames, 25)."""
    n = round(2048 * sample_rate / 44100)
    window = [0.5 - 0.5 * math.cos(2 * math.pi * i / n) for i in range(n)]
    turns = [cmath.exp(-2j * math.pi * i / n) for i in range(n)]
    frames = []
    while True:
        start = round(len(frames) * sample_rate / frame_rate)
        if start + n > len(sound):
            return frames
        heard = [float(sound[start + i]) * window[i] for i in range(n)]
        power = [0.0] * 25
        for k in range(n // 2 + 1):
            hertz = k * sample_rate / n
            for band in range(25):
                if BARK_EDGES_HZ[band] <= hertz < BARK_EDGES_HZ[band + 1]:
                    x = sum(heard[i] * turns[i * k % n] for i in range(n))
                    sides = 1 if k == 0 or 2 * k == n else 2
                    power[band] += sides * abs(x) ** 2
        # A sine of amplitude 1 has the mean square 1/2, which is to read 0 dB.
        squares = sum(w * w for w in window)
        frames.append([10 * math.log10(2 * p / (n * squares) + 1e-10) for p in power])


# sessions.py


def session_lines(text, n_bands=25):
    """Frames of plain session text: one line, one number at a time."""
    frames = []
    for line in text.split("\n"):
        for mark in ",;\t":
            line = line.replace(mark, " ")
        numbers = [max(float(word), -100.0) for word in line.split(" ") if word]
        if len(numbers) == n_bands:
            frames.append(numbers)
    return frames


def pool_frames(levels, frames_per_value):
    """Means over equal stretches of time; a frame cut in two counts by its parts."""
    pooled = []
    for i in range(int(len(levels) / frames_per_value)):
        start, stop = i * frames_per_value, (i + 1) * frames_per_value
        total = [0.0] * len(levels[0])
        for j, frame in enumerate(levels):
            part = min(stop, j + 1) - max(start, j)
            if part > 0:
                total = [t + part * x for t, x in zip(total, frame, strict=True)]
        pooled.append([t / frames_per_value for t in total])
    return pooled


def similarities(mine, other, first, last, span):
    """Cosine between stretches of rows; the halves of long ones may slide a tenth of their length.

    A stretch is two halves of half its rows, down to single rows.
    """
    def product(i, j, rows):
        if rows == 1:
            return sum(a * b for a, b in zip(mine[i], other[j], strict=True))
        half = rows // 2
        flex = round(0.1 * half)
        # A second half slides over whole stretches only.
        slides = [j + half + d for d in range(-flex, flex + 1)
                  if 0 <= j + half + d <= len(other) - half]
        return product(i, j, half) + max(product(i + half, k, half) for k in slides)

    def size(rows, start):
        energy = sum(x * x for row in rows[start:start + span] for x in row)
        return math.sqrt(energy + span * len(rows[0]))

    return [[product(i, j, span) / (size(mine, i) * size(other, j))
             for j in range(len(other) - span + 1)] for i in range(first, last)]


def naive_z_norm(z, typical, spread):
    """Strangeness where that of strangers is put to 2.4 and their spread to .5."""
    alarm = 1.6448536269514722
    slope = 0.5 / max(spread, 0.25)

    def put(at):
        if at < typical:
            return 2.4 + (at - typical) * slope
        return 2.4 + (at - typical) * min(slope, 1.0)

    if z <= 0:
        return z
    if z < alarm:
        return max(min(put(z), z), z / 10)
    if put(alarm) > alarm:
        return max(put(z) - (put(alarm) - alarm), z / 10)
    return max(put(z), z / 10)
