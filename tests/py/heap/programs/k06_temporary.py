def run():
    global size
    s = sum([x for x in range(2_000_000)])  #: held 0; net 0; peak size ~ 8_500_000
    size = 2_000_000 * s.__sizeof__() + [x for x in range(2_000_000)].__sizeof__()
