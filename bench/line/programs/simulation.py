"""Particles in a box: classes, properties, many short method calls."""


class Vector:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def scaled(self, factor):
        return Vector(self.x * factor, self.y * factor)


class Particle:
    def __init__(self, place, speed):
        self.place = place
        self.speed = speed
        self.bounces = 0

    @property
    def energy(self):
        return self.speed.x * self.speed.x + self.speed.y * self.speed.y

    def move(self, dt):
        self.place = self.place + self.speed.scaled(dt)
        if not 0 <= self.place.x <= 1:
            self.speed.x = -self.speed.x
            self.bounces += 1
        if not 0 <= self.place.y <= 1:
            self.speed.y = -self.speed.y
            self.bounces += 1


class Box:
    def __init__(self, count):
        self.particles = [
            Particle(Vector(i / count, (i * 7 % count) / count), Vector(0.3 + i / 9, 0.7))
            for i in range(count)
        ]

    def step(self):
        energy = 0.0
        for particle in self.particles:
            particle.move(0.125)
            energy += particle.energy
        return energy


def work(n):
    total = 0.0
    box = Box(4)
    for _ in range(n):
        total += box.step()
    return round(total, 6)
