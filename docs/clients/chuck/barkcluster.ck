// Sends 25 levels in dB, 100 times a second, to barkcluster live; takes familiarity back.
//
//     barkcluster live --in osc://127.0.0.1:7400/bark --out osc://127.0.0.1:7401
//     chuck barkcluster.ck
//
// With other ports: chuck barkcluster.ck:7500:7501. ChucK keeps the time of its sound card. With --silent
// it has none and runs as fast as it can; without a sound card, let JACK keep the time:
//
//     jackd -r -d dummy -r 48000 &
//     chuck barkcluster.ck
//
// ChucK takes 48,000 samples for a second unless told otherwise: where JACK plays 44,100, say
// chuck --srate:44100, or 92 frames come a second instead of 100.
Std.atoi(me.arg(0)) => int port;
Std.atoi(me.arg(1)) => int back;
if (port == 0) 7400 => port;
if (back == 0) 7401 => back;

// A test signal; adc in its place listens to the input.
SawOsc source => Gain sound => FFT spectrum => blackhole;
110 => source.freq;
0.2 => source.gain;
2048 => spectrum.size;
Windowing.hann(2048) => spectrum.window;

// Zwicker's edges: 24 critical bands, and one above them.
[0., 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700,
 4400, 5300, 6400, 7700, 9500, 12000, 15500, 20500] @=> float edges[];
second / samp => float sampleRate;

OscOut out;
out.dest("127.0.0.1", port);

fun void tell() {
    OscIn in;
    OscMsg message;
    back => in.port;
    in.addAddress("/familiarity, f");
    while (true) {
        in => now;
        while (in.recv(message)) <<< "familiarity", message.getFloat(0) >>>;
    }
}
spork ~ tell();

while (true) {
    spectrum.upchuck();
    out.start("/bark");
    for (0 => int band; band < 25; band++) {
        0.0 => float power;
        (edges[band] * 2048 / sampleRate + 0.5) $ int => int first;
        (edges[band + 1] * 2048 / sampleRate + 0.5) $ int => int last;
        for (first => int bin; bin < last && bin < 1024; bin++) {
            spectrum.cval(bin) => complex value;
            power + value.re * value.re + value.im * value.im => power;
        }
        out.add((10 * Math.log10(Math.max(power, 0.0000000001))) $ float);
    }
    out.send();
    10::ms => now;
}
