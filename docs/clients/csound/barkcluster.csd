<CsoundSynthesizer>
; Sends 25 levels in dB, 100 times a second, to barkcluster live; takes familiarity back.
;
;     barkcluster live --in osc://127.0.0.1:7400/bark --out osc://127.0.0.1:7401
;     csound -odac barkcluster.csd
;
; Frames go out once a control period: 441 samples at 44.1 kHz are 10 ms. Without real-time output,
; as with -n, Csound runs as fast as it can: then --frame-rate means nothing.
<CsOptions>
-d -m0
</CsOptions>
<CsInstruments>
sr = 44100
ksmps = 441
nchnls = 1
0dbfs = 1

#ifndef BARK_PORT
#define BARK_PORT #7400#
#end
#ifndef BACK_PORT
#define BACK_PORT #7401#
#end

giBack OSCinit $BACK_PORT
; Zwicker's edges: 24 critical bands, and one above them.
giEdges[] fillarray 0, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, \
    2700, 3150, 3700, 4400, 5300, 6400, 7700, 9500, 12000, 15500, 20500

instr 1
  ; A test signal; `asig in` in its place listens to the input.
  asig = vco2(0.2, 110) * linsegr(1, 0.2, 0.1, 0.1, 0) * lfo(1, 2, 2)
  ; The bins of one window of 2048 samples, summed into the bands.
  fsig pvsanal asig, 2048, 441, 2048, 1
  kMags[] init 1025
  kFreqs[] init 1025
  kFrame pvs2array kMags, kFreqs, fsig
  kLevels[] init 25
  kBand = 0
  while kBand < 25 do
    kPower = 0
    kBin = int(giEdges[kBand] * 2048 / sr + 0.5)
    kLast = int(giEdges[kBand + 1] * 2048 / sr + 0.5)
    while kBin < kLast do
      kPower += kMags[kBin] * kMags[kBin]
      kBin += 1
    od
    kLevels[kBand] = 10 * log10(max(kPower, 1e-10))
    kBand += 1
  od
  kCount timeinstk
  OSCsend kCount, "127.0.0.1", $BARK_PORT, "/bark", "fffffffffffffffffffffffff", \
      kLevels[0], kLevels[1], kLevels[2], kLevels[3], kLevels[4], kLevels[5], kLevels[6], \
      kLevels[7], kLevels[8], kLevels[9], kLevels[10], kLevels[11], kLevels[12], kLevels[13], \
      kLevels[14], kLevels[15], kLevels[16], kLevels[17], kLevels[18], kLevels[19], kLevels[20], \
      kLevels[21], kLevels[22], kLevels[23], kLevels[24]
endin

instr 2
  gkFamiliarity init -1
  kNew OSClisten giBack, "/familiarity", "f", gkFamiliarity
  if kNew == 1 then
    printf "familiarity %.2f\n", timeinstk(), gkFamiliarity
  endif
endin
</CsInstruments>
<CsScore>
i 1 0 3600
i 2 0 3600
</CsScore>
</CsoundSynthesizer>
